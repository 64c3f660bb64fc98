// The import ladder; lower never imports higher:
//   model → protocol, ports, errors → log → messages, groups, delivery, receipts, presence, push, keys, media
//         → gateway → cluster → server → http
const SERVICES = "messages|groups|delivery|receipts|presence|push|keys|media";
const TOP = "index|client|e2ee|testing|cli";

const rules = [
  {
    name: "no-circular",
    comment: "A cycle is one module in two files. Types alone make none: they are gone when the program runs.",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "no-orphans",
    comment: "A file that nothing imports is dead.",
    from: { orphan: true },
    to: {},
  },
  {
    name: "unresolvable",
    comment: "An import has to lead somewhere.",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no-dev-dependencies",
    comment: "What is published uses what is installed with it.",
    from: { path: "^(src|adapters/[^/]+/src)/" },
    to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only", "npm-peer", "npm"] },
  },
  {
    name: "model-alone",
    comment: "The model and the table of errors import nothing of the project.",
    from: { path: "^src/(model/|error(s|-texts)\\.)" },
    to: { path: "^(src|adapters)/", pathNot: "^src/(model/|error(s|-texts)\\.)" },
  },
  {
    name: "protocol-and-ports-low",
    comment: "Protocol and ports know the model and the errors.",
    from: { path: "^src/(protocol|ports)/" },
    to: { path: "^src/", pathNot: "^src/(model/|error(s|-texts)\\.|$1/)" },
  },
  {
    name: "services-below-gateway",
    comment: "A service doesn't know who calls it.",
    from: { path: `^src/(${SERVICES})/` },
    to: { path: `^src/(gateway|cluster|http|server|engine|backend|config|${TOP})` },
  },
  {
    name: "log-below-services",
    comment: "What the owners of any partition share knows the ports and nothing of what is in a log.",
    from: { path: "^src/log/" },
    to: { path: "^src/", pathNot: "^src/(log|ports|model|errors)" },
  },
  {
    name: "cluster-beside-gateway",
    comment: "The roles of several nodes are put together from the services; the gateway doesn't know where they run.",
    from: { path: "^src/cluster/" },
    to: { path: `^src/(gateway/(?!services)|http|server|engine|${TOP})` },
  },
  {
    name: "services-apart",
    comment: "Services meet through ports and the model; groups is the part of messages' state machine for groups.",
    from: { path: `^src/(${SERVICES})/` },
    to: { path: `^src/(${SERVICES})/`, pathNot: "^src/($1|groups)/" },
  },
  {
    name: "gateway-below-server",
    comment: "The gateway doesn't know how the parts are put together.",
    from: { path: "^src/gateway/" },
    to: { path: `^src/(cluster|http|server|engine|backend|config|${TOP})` },
  },
  {
    name: "server-below-http",
    comment: "The server doesn't know the frameworks that it is attached to.",
    from: { path: "^src/(server|engine|config)" },
    to: { path: `^src/(http/|${TOP})` },
  },
  {
    name: "client-low",
    comment: "The client knows the model, the protocol and the errors; encryption also the port of its primitives.",
    from: { path: "^src/(client|e2ee)/" },
    to: { path: "^src/", pathNot: "^src/(model|protocol|errors|client|e2ee|ports/crypto)" },
  },
  {
    name: "client-in-browsers",
    comment: "Browsers have no Node, and zod is too large for them.",
    from: { path: "^src/(client|e2ee|model|protocol|errors)", pathNot: "^src/client/node" },
    to: { path: "^(node_modules/)?(zod|ws|lmdb)(/|$)" },
  },
  {
    name: "client-without-node",
    comment: "Node's own modules belong into the client's entry for Node.",
    from: { path: "^src/(client|e2ee|model|protocol|errors)", pathNot: "^src/client/node" },
    to: { dependencyTypes: ["core"] },
  },
  {
    name: "cli-is-a-client",
    comment: "The terminal's chat is a client like any other.",
    from: { path: "^src/cli/" },
    to: { path: "^src/", pathNot: "^src/(cli|client|model|errors)" },
  },
  {
    name: "core-without-adapters",
    comment: "The core knows ports, not what is behind them.",
    from: { path: "^src/" },
    to: { path: "^adapters/|@sentseen/" },
  },
  {
    name: "adapters-know-ports",
    comment: "An adapter could be a stranger's: it has the public ports and no more.",
    from: { path: "^adapters/[^/]+/src/" },
    to: { path: "^src/", pathNot: "^src/ports/index" },
  },
  {
    name: "adapters-apart",
    comment: "Adapters don't know each other.",
    from: { path: "^adapters/([^/]+)/" },
    to: { path: "^adapters/", pathNot: "^adapters/$1/" },
  },
];

module.exports = {
  forbidden: rules.map((rule) => ({ severity: "error", ...rule })),
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(dist|coverage)/|tsup\\.config" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["sentseen-source", "import", "node", "default"],
      mainFields: ["module", "main", "types"],
    },
  },
};
