import { ApnsServer, type ApnsServerOptions } from "../../adapters/push/test/servers/apns-server.js";
import { serverOptions, serving } from "./serving.js";

// Apple's side of the push bench: the server that the tests of @sentseen/push use.
const server = new ApnsServer(serverOptions<ApnsServerOptions>());
const url = await server.listen();
serving(Number(new URL(url).port), () => server.close());
