"""The conformance check of one partner: everything that can be asked without changing anything there."""

from ocpi_hub.base.resources import Resources
from ocpi_hub.base.secrets import Vault
from ocpi_hub.objects.kinds import KINDS
from ocpi_hub.partners.checking import configuration
from ocpi_hub.partners.checking.asking import Asker
from ocpi_hub.partners.checking.findings import VERSIONS, Report, Verdict
from ocpi_hub.partners.checking.lists import Lists, receiver
from ocpi_hub.partners.directory import Directory
from ocpi_hub.partners.origins import Origins
from ocpi_hub.wire.parties import InterfaceRole


async def check(resources: Resources, platform_id: str) -> Report:
    """Ask a registered platform about everything. GET only. Raises LookupError when it is not registered."""
    snapshot = await resources.one(Directory).now()
    platform = snapshot.platform(platform_id)
    if platform is None or platform.versions_url is None or platform.their_credentials_token is None:
        raise LookupError("is not registered")
    token = Vault.of(resources.settings).unseal(platform.their_credentials_token)
    asker, report = Asker(resources, platform_id, platform.profile, snapshot.hub, token), Report()
    parties = snapshot.parties_of(platform_id)
    details_url = await configuration.versions(asker, report, platform.versions_url)
    if details_url is None:
        return report
    offered = await configuration.details(asker, report, details_url, parties)
    known = snapshot.endpoints_of(platform_id)
    news = sorted(module for module, role in offered if offered[(module, role)] not in known.values())
    said = ("its endpoints are those that the hub knows", f"new or moved since the handshake: {', '.join(news)[:200]}")
    advice = "it has to PUT its credentials, or `partner rotate` learns them"
    report.judge("details.known", VERSIONS, not news, said, advice, bad=Verdict.WARN)
    credentials_url = next((url for (module, _), url in offered.items() if module == "credentials"), None)
    if credentials_url is not None:
        await configuration.credentials(asker, report, credentials_url, parties)
    own = Origins.of([platform.versions_url, *offered.values()], platform.profile.hosts)
    for kind in KINDS.values():
        sender = offered.get((kind.module.value, InterfaceRole.SENDER.value))
        lists = Lists(asker, report, kind, sender, parties, own=own) if sender is not None else None
        if lists is not None and lists.to is not None:
            await lists.run()
        receives = offered.get((kind.module.value, InterfaceRole.RECEIVER.value))
        if receives is not None:
            await receiver(asker, report, kind, receives, parties)
    return report
