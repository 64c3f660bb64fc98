// What `npm start` runs: serves on loopback until Ctrl-C, then drains. PORT and DATA_DIR win over the defaults.
import { ChatError, isChatError } from "sentseen";

const port = Number(process.env.PORT || 3000);
const host = "127.0.0.1";

try {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new ChatError("config", "PORT is no port's number.");
  const { chat, http } = await import("./server.js");
  chat.on("error", (error) => console.error(error));
  http.once("error", (error: NodeJS.ErrnoException) => {
    const taken = error.code === "EADDRINUSE";
    console.error(taken ? `Port ${port} is taken. Choose another: PORT=${port + 1} npm start` : String(error));
    process.exitCode = 1;
    void chat.close();
  });
  http.listen(port, host, () => {
    const address = http.address();
    const bound = typeof address === "object" && address !== null ? address.port : port;
    console.log(`sentseen is ready: http://localhost:${bound}  (Ctrl-C stops it)`);
  });

  const stop = async (): Promise<void> => {
    await chat.close();
    http.closeAllConnections();
    http.close(() => console.log("sentseen has stopped; everything is kept"));
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, stop);
} catch (error) {
  if (!isChatError(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
