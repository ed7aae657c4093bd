// SPDX-License-Identifier: Apache-2.0
// A web application for flows, by WebSocket: node websocket.mjs PORT, with the tenant's secret in WEBHOOK_SECRET.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 1, CLOSE = 8, PING = 9, PONG = 10;

// By RFC 9421, as webhook.mjs, of a GET without a body; and not long ago.
function isSigned({ url, headers }) {
  const digest = `sha-256=:${createHash("sha256").digest("base64")}:`;
  const params = `("@method" "@authority" "@request-target" "content-digest" "webhook-id")` +
    `;created=${headers["webhook-timestamp"]};alg="hmac-sha256"`;
  const said = [`"@method": GET`, `"@authority": ${headers.host.toLowerCase()}`,
    `"@request-target": ${url}`, `"content-digest": ${digest}`,
    `"webhook-id": ${headers["webhook-id"]}`, `"@signature-params": ${params}`].join("\n");
  const want = Buffer.from(`sig1=:${createHmac("sha256", key).update(said).digest("base64")}:`);
  const is = Buffer.from(headers["signature"] ?? "");
  const fresh = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"])) < 300;
  return fresh && is.length === want.length && timingSafeEqual(is, want);
}

// The first time a menu; then what was pressed leads somewhere.
function verbs(message) {
  const digits = message.variables.digits;
  if (digits === "1") return [{ dial: { to: "1002", rings: 4 } }];
  if (digits || message.visit > 9) return [{ hangup: {} }];
  return [{ gather: { prompt: ["main-menu"], max: 1, first_s: 5 } }];
}

function send(socket, opcode, payload) {
  const n = payload.length;
  const length = n < 126 ? [n] : [126, n >> 8, n & 255];
  socket.write(Buffer.concat([Buffer.from([128 | opcode, ...length]), payload]));
}

// A frame of the node, which is whole and masked: how many octets it has; 0: not all have come.
function receive(octets, onFrame) {
  if (octets.length < 2) return 0;
  let n = octets[1] & 127, at = 2;
  if (n > 125) {
    at = n === 126 ? 4 : 10;
    if (octets.length < at) return 0;
    n = n === 126 ? octets.readUInt16BE(2) : Number(octets.readBigUInt64BE(2));
  }
  if (octets.length < at + 4 + n) return 0;
  const mask = octets.subarray(at, at + 4);
  onFrame(octets[0] & 15, octets.subarray(at + 4, at + 4 + n).map((octet, i) => octet ^ mask[i % 4]));
  return at + 4 + n;
}

function onFrame(socket, opcode, payload) {
  if (opcode === PING) send(socket, PONG, payload);
  if (opcode === CLOSE) {
    send(socket, CLOSE, payload);
    socket.end();
  }
  const message = opcode === TEXT ? JSON.parse(payload.toString()) : {};
  if (message.type === "flow.http") // not flow.resumed (it was lost), flow.refused (verbs were not taken)
    send(socket, TEXT, Buffer.from(JSON.stringify({ id: message.id, answer: verbs(message) })));
}

const server = createServer();
server.on("upgrade", (request, socket) => {
  let octets = Buffer.alloc(0), used;
  if (!isSigned(request))
    return socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  const accept = createHash("sha1").update(request.headers["sec-websocket-key"] + guid).digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
  socket.on("error", () => socket.destroy());
  socket.on("data", (more) => {
    octets = Buffer.concat([octets, more]);
    while ((used = receive(octets, (opcode, payload) => onFrame(socket, opcode, payload))) > 0)
      octets = octets.subarray(used);
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
