// A channel of better-sse behind Node's own HTTP server. `node server.js PORT` listens on 127.0.0.1;
// `POST /publish` sends its body as one event to everybody at `GET /subscribe`.

import { createServer } from "node:http";
import { createChannel, createSession } from "better-sse";

const channel = createChannel();
// The body is JSON already: it is passed on as it is, which is quicker than to parse it and write it anew for each.
const serializer = (text) => text;

const server = createServer(async (request, response) => {
  if (request.method === "GET" && request.url === "/subscribe") {
    channel.register(await createSession(request, response, { serializer }));
  } else if (request.method === "POST" && request.url === "/publish") {
    let text = "";
    request.setEncoding("utf8");
    for await (const part of request) text += part;
    channel.broadcast(text, "message");
    response.writeHead(204).end();
  } else {
    response.writeHead(404).end();
  }
});

server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 4096 });
