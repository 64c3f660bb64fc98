import { createServer } from "node:http";
import { lmdb } from "@sentseen/lmdb";
import { createChatServer, developmentAuth } from "sentseen";
import { memory } from "sentseen/memory";
import { servePage } from "./page.js";

/** The server of the README, with a page to try it. */
export const http = createServer(servePage());

export const chat = createChatServer({
  ...memory(),
  ...lmdb({ directory: process.env.DATA_DIR ?? "./data" }),
  authenticate: developmentAuth(), // the token is the user's name: for your own machine only
});
chat.attach(http);
await chat.start();
