// SPDX-License-Identifier: Apache-2.0
// A web application for flows: node webhook.mjs PORT, with the tenant's secret in WEBHOOK_SECRET.
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const key = Buffer.from(process.env.WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

// By RFC 9421: method, host, path and query, body and id; and not long ago.
function isSigned({ method, url, headers }, body) {
  const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  const params = `("@method" "@authority" "@request-target" "content-digest" "webhook-id")` +
    `;created=${headers["webhook-timestamp"]};alg="hmac-sha256"`;
  const said = [`"@method": ${method}`, `"@authority": ${headers.host.toLowerCase()}`,
    `"@request-target": ${url}`, `"content-digest": ${digest}`,
    `"webhook-id": ${headers["webhook-id"]}`, `"@signature-params": ${params}`].join("\n");
  const want = Buffer.from(`sig1=:${createHmac("sha256", key).update(said).digest("base64")}:`);
  const is = Buffer.from(headers["signature"] ?? "");
  const fresh = Math.abs(Date.now() / 1000 - Number(headers["webhook-timestamp"])) < 300;
  return fresh && is.length === want.length && timingSafeEqual(is, want);
}

// Verbs for who calls 100; for others a variable alone.
function answer(call) {
  if (call.called === "100")
    return [{ dial: { to: "1002", rings: 4 } }, { reject: { status: 480 } }];
  return { desk: call.caller.startsWith("+49") ? "1001" : "1002" };
}

createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const signed = isSigned(request, body);
    response.statusCode = signed ? 200 : 401;
    response.end(JSON.stringify(signed ? answer(JSON.parse(body)) : {}));
  });
}).listen(Number(process.argv[2]), "127.0.0.1");
