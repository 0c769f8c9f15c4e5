// A charging station made with the npm package ocpp-rpc in strict mode: every call and every answer, in both
// directions, is validated by that package's own schemas. Usage: node station.mjs URL ID PASSWORD PROTOCOL
// It boots, authorises, starts, meters, waits to be stopped from afar, and tells what it did, a JSON line each.
import { createRequire } from "node:module";
import rpc from "ocpp-rpc";

const { RPCClient, createRPCError, createValidator } = rpc;
const [endpoint, identity, password, protocol] = process.argv.slice(2);
const say = (what, more = {}) => console.log(JSON.stringify({ what, ...more }));
const now = () => new Date().toISOString();

// The package looks for "urn:X.req" and "urn:X.conf", but its schemas of 2.1 are named "urn:XRequest" and "urn:XResponse":
// they are its own, under the names that it asks for.
function renamed21() {
  const schemas = createRequire(import.meta.url)("ocpp-rpc/lib/schemas/ocpp2_1.json");
  const name = (id) => id.replace(/Request$/, ".req").replace(/Response$/, ".conf");
  return createValidator("ocpp2.1", schemas.map((schema) => ({ ...schema, $id: name(schema.$id) })));
}

const station = new RPCClient({
  endpoint,
  identity,
  password,
  protocols: [protocol],
  strictMode: true,
  strictModeValidators: protocol === "ocpp2.1" ? [renamed21()] : [],
  reconnect: false,
  callTimeoutMs: 20000,
});
station.on("strictValidationFailure", ({ error, method, messageId, isCall }) =>
  say("invalid", { error: String(error), method, messageId, isCall }),
);
let stop;
const stopped = new Promise((resolve) => (stop = resolve));
station.handle(() => {
  throw createRPCError("NotImplemented");
});

const token = { idToken: "TAG", type: "ISO14443" };

async function charge16() {
  station.handle("RemoteStopTransaction", ({ params }) => {
    stop(params.transactionId);
    return { status: "Accepted" };
  });
  const boot = { chargePointVendor: "ocpp-rpc", chargePointModel: "One", firmwareVersion: "1.0" };
  say("boot", await station.call("BootNotification", boot));
  await station.call("Heartbeat", {});
  await station.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Preparing", timestamp: now() });
  say("authorized", await station.call("Authorize", { idTag: "TAG" }));
  const begin = { connectorId: 1, idTag: "TAG", meterStart: 1000, timestamp: now() };
  const started = await station.call("StartTransaction", begin);
  const transactionId = started.transactionId;
  const sampledValue = [{ value: "1500", measurand: "Energy.Active.Import.Register", unit: "Wh" }];
  await station.call("MeterValues", { connectorId: 1, transactionId, meterValue: [{ timestamp: now(), sampledValue }] });
  await station.call("DataTransfer", { vendorId: "com.example" });
  await station.call("SecurityEventNotification", { type: "StartupOfTheDevice", timestamp: now() });
  await station.call("FirmwareStatusNotification", { status: "Installed" });
  await station.call("DiagnosticsStatusNotification", { status: "Idle" });
  say("started", { transactionId });
  await stopped;
  const end = { transactionId, meterStop: 2000, timestamp: now(), reason: "Remote", idTag: "TAG" };
  await station.call("StopTransaction", end);
  await station.call("StatusNotification", { connectorId: 1, errorCode: "NoError", status: "Available" });
}

async function charge2() {
  station.handle("RequestStopTransaction", ({ params }) => {
    stop(params.transactionId);
    return { status: "Accepted" };
  });
  let seqNo = 0;
  const tell = (eventType, triggerReason, value, more = {}, info = {}) =>
    station.call("TransactionEvent", {
      eventType,
      timestamp: now(),
      triggerReason,
      seqNo: seqNo++,
      transactionInfo: { transactionId: "TX-RPC", chargingState: "Charging", ...info },
      evse: { id: 1, connectorId: 1 },
      meterValue: [{ timestamp: now(), sampledValue: [{ value, measurand: "Energy.Active.Import.Register" }] }],
      ...more,
    });
  const chargingStation = { vendorName: "ocpp-rpc", model: "Two", serialNumber: "S", firmwareVersion: "1.0" };
  say("boot", await station.call("BootNotification", { reason: "PowerUp", chargingStation }));
  await station.call("Heartbeat", {});
  const status = { timestamp: now(), connectorStatus: "Occupied", evseId: 1, connectorId: 1 };
  await station.call("StatusNotification", status);
  say("authorized", await station.call("Authorize", { idToken: token }));
  await tell("Started", "Authorized", 1000, { idToken: token });
  await tell("Updated", "MeterValuePeriodic", 1500.5);
  await station.call("MeterValues", {
    evseId: 1,
    meterValue: [{ timestamp: now(), sampledValue: [{ value: 230.1, measurand: "Voltage" }] }],
  });
  await station.call("DataTransfer", { vendorId: "com.example" });
  await station.call("SecurityEventNotification", { type: "StartupOfTheDevice", timestamp: now() });
  await station.call("FirmwareStatusNotification", { status: "Idle" });
  await station.call("LogStatusNotification", { status: "Idle" });
  const ocspRequestData = {
    hashAlgorithm: "SHA256",
    issuerNameHash: "aa",
    issuerKeyHash: "bb",
    serialNumber: "1",
    responderURL: "http://ocsp.example",
  };
  await station.call("GetCertificateStatus", { ocspRequestData });
  say("started", { transactionId: "TX-RPC" });
  await stopped;
  await tell("Ended", "RemoteStop", 2000, {}, { stoppedReason: "Remote", chargingState: "EVConnected" });
  await station.call("StatusNotification", { ...status, timestamp: now(), connectorStatus: "Available" });
}

try {
  await station.connect();
  say("connected", { protocol: station.protocol });
  await (protocol === "ocpp1.6" ? charge16() : charge2());
  await station.close();
  say("done");
} catch (error) {
  say("failed", { error: `${error.code ?? ""} ${error.message}`, details: error.details ?? null });
  process.exitCode = 1;
  await station.close({ force: true });
}
