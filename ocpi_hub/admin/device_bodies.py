"""What the calls about devices take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bridge_ocpp.port import ReportRecord, VariableName

Name = Annotated[str, Field(min_length=1, max_length=50)]


class VariableBody(BaseModel):
    """One variable. OCPP 1.6: a configuration key; its component may be left out."""

    model_config = ConfigDict(extra="forbid")

    component: str = Field("", max_length=50)
    variable: Name
    component_instance: str = Field("", max_length=50)
    variable_instance: str = Field("", max_length=50)
    evse: int = Field(0, ge=0)
    connector: int = Field(0, ge=0)
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"
    value: str | int | float | bool | None = None

    @property
    def name(self) -> VariableName:
        return VariableName(
            self.variable,
            self.component,
            self.component_instance,
            self.variable_instance,
            self.evse,
            self.connector,
            self.attribute,
        )

    @property
    def text(self) -> str:
        """The value as chargers carry it."""
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)


class VariablesBody(BaseModel):
    """Variables to read, to set (each with its `value`) or to wish nothing of any more."""

    model_config = ConfigDict(extra="forbid")

    variables: list[VariableBody] = Field(min_length=1, max_length=1000)


class VariableAnswer(BaseModel):
    """What became of one variable. `status` is the charger's word: Accepted, Rejected, RebootRequired, NotSupported,
    UnknownComponent, UnknownVariable or NotSupportedAttributeType; Waiting: kept, and sent when the charger is back."""

    component: str
    variable: str
    status: str
    value: str | None = None
    component_instance: str = ""
    variable_instance: str = ""
    evse: int = 0
    connector: int = 0
    attribute: str = "Actual"
    readonly: bool | None = None
    secret: bool = False
    detail: str | None = None


class VariablesAnswer(BaseModel):
    """In the order asked, however many messages it took."""

    variables: list[VariableAnswer]


class OutcomeAnswer(BaseModel):
    """How asking ended: ACCEPTED, SCHEDULED (once its transaction is over) or WAITING (kept until it can be asked)."""

    status: str
    detail: str = ""
    payload: dict[str, Any] | None = None


class WishAnswer(BaseModel):
    """What is wished of a variable, by whom, and how far it is (docs/devices.md has the states)."""

    value: str
    state: str | None
    by: str | None
    since: datetime | None
    detail: str | None


class ReportedVariable(BaseModel):
    """A variable as the charger last reported it; the value of a secret one is never shown."""

    component: str
    component_instance: str
    variable: str
    variable_instance: str
    evse: int
    connector: int
    attribute: str
    value: str | None
    secret: bool
    mutability: str | None
    data_type: str | None
    unit: str | None
    min: str | None
    max: str | None
    values: list[str] | None
    reported_at: datetime | None
    wish: WishAnswer | None


class ReportedAnswer(BaseModel):
    """How it stands with the charger's report, and what it said."""

    report: ReportRecord | None
    variables: list[ReportedVariable]


class ForgottenAnswer(BaseModel):
    """How many wishes there were."""

    forgotten: int


class ListAnswer(BaseModel):
    """How it stands with a local authorization list; `entries` is how many tokens the charger has."""

    enabled: bool | None
    state: str
    detail: str | None
    version: int | None
    entries: int
    sent_at: datetime | None


class ResetBody(BaseModel):
    """`OnIdle` / `Soft`: when no transaction runs, or after ending it in order. `Immediate` / `Hard`: at once."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["Immediate", "OnIdle", "Hard", "Soft"] = "OnIdle"
    evse: int | None = Field(None, ge=1)


class AvailabilityBody(BaseModel):
    """What shall be; without an EVSE the whole charger. It is kept, and repeated to a charger that forgot it."""

    model_config = ConfigDict(extra="forbid")

    operative: bool
    evse: int | None = Field(None, ge=1)
    connector: int | None = Field(None, ge=1)


class TriggerBody(BaseModel):
    """A message to ask for, such as StatusNotification."""

    model_config = ConfigDict(extra="forbid")

    message: Name
    evse: int | None = Field(None, ge=1)
    connector: int | None = Field(None, ge=1)


class UnlockBody(BaseModel):
    """A connector whose cable is to be released."""

    model_config = ConfigDict(extra="forbid")

    evse: int = Field(ge=1)
    connector: int = Field(1, ge=1)


class TransferBody(BaseModel):
    """Data of a vendor's own; 1.6 carries text, and other data as JSON."""

    model_config = ConfigDict(extra="forbid")

    vendor_id: str = Field(min_length=1, max_length=255)
    message_id: str | None = Field(None, max_length=50)
    data: Any = None


class ReportBody(BaseModel):
    """Which variables to report: of these components, or of components in this state; all of them without either."""

    model_config = ConfigDict(extra="forbid")

    components: list[Name] = Field(default_factory=list)
    criteria: list[Literal["Active", "Available", "Enabled", "Problem"]] = Field(default_factory=list)


class NetworkBody(BaseModel):
    """OCPP's NetworkConnectionProfileType for one of the charger's slots."""

    model_config = ConfigDict(extra="forbid")

    slot: int = Field(ge=0)
    profile: dict[str, Any]
