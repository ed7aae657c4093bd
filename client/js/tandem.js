// SPDX-License-Identifier: Apache-2.0
/*
 * Client of the HTTP API for Node (18 and later) and browsers: one file, of fetch alone.
 *
 *     const tandem = new Tandem("http://127.0.0.1:8080", token);
 *     const call = await tandem.calls.originate({ from: "1001", to: "1002" });
 *     for await (const event of tandem.events({ user: "1001" })) console.log(event.type);
 *
 * Which calls there are the node says: tandem.RESOURCE.VERB of docs/api.md, with the resource as it stands in the path, callTraces for call-traces.
 */
const TRIES = 4;
const ANSWER_MS = 30000;
const SILENT_MS = 40000; // a stream says something every 15 s
const DELAY_MS = 100;

/** The node said no: code, status, argument and detail of the problem (RFC 9457). */
export class Refused extends Error {
  constructor(status, problem) {
    const detail = problem.detail ?? problem.title ?? "";
    super(`${problem.code ?? status}: ${detail}`);
    Object.assign(this, { name: "Refused", status, code: problem.code ?? "", argument: problem.argument, detail });
  }
}

/** Nobody answered. What was asked for may have been done, or not. */
export class NoAnswer extends Error {
  name = "NoAnswer";
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const asText = (value) => (Array.isArray(value) ? value.join(",") : typeof value === "object" ? JSON.stringify(value) : String(value));
const query = (args) => new URLSearchParams(Object.entries(args).map(([name, value]) => [name, asText(value)]));
const camel = (text) => text.replace(/[-_](\w)/g, (_, letter) => letter.toUpperCase());

async function refused(response) {
  const problem = await response.json().catch(() => ({}));
  return new Refused(response.status, problem);
}

export class Tandem {
  #url;
  #token;
  #tenant;
  #operations;

  /** token: as token.create has shown it. tenant: for tokens of operators. */
  constructor(url = "http://127.0.0.1:8080", token = "", { tenant } = {}) {
    this.#url = url.replace(/\/$/, "");
    this.#token = token;
    this.#tenant = tenant;
    const verbs = (resource) => new Proxy({}, { get: (_, verb) => (args, more) => this.do(`${resource}.${String(verb)}`, args, more) });
    return new Proxy(this, {
      get: (self, name) => {
        if (name in self || typeof name !== "string" || name === "then") {
          const own = self[name];
          return typeof own === "function" ? own.bind(self) : own;
        }
        return verbs(name);
      },
    });
  }

  /** One operation, such as calls.originate; its result. key: the same key is the same command, so it is asked again where the connection broke. */
  async do(name, given = {}, { key } = {}) {
    return (await this.#do(name, given, key)).value;
  }

  /** Each row of a list, such as extensions.list, page by page. */
  async *all(name, given = {}) {
    for (let cursor; ; ) {
      const { value, link } = await this.#do(name, { ...given, ...(cursor ? { cursor } : {}) });
      yield* value;
      cursor = /[?&]cursor=([^&>]+)/.exec(link)?.[1];
      if (!cursor) return;
      cursor = decodeURIComponent(cursor);
    }
  }

  async #do(name, given, key) {
    const { method, path } = await this.#find(name);
    const args = { ...(this.#tenant ? { tenant: this.#tenant } : {}), ...given };
    const asked = {};
    let target = path.replace(/{(\w+)}/g, (_, word) => {
      const value = encodeURIComponent(asText(args[word]));
      delete args[word];
      return value;
    });
    for (const word of Object.keys(args)) {
      if (args[word] === undefined) delete args[word];
      else if (method === "GET" || method === "DELETE" || word === "tenant") {
        asked[word] = args[word];
        delete args[word];
      }
    }
    if (Object.keys(asked).length) target += `?${query(asked)}`;
    return this.#ask(method, target, Object.keys(args).length ? JSON.stringify(args) : undefined, key);
  }

  /**
   * Events as they come: type, call, user, application narrow them. Over a lost connection it goes on behind the last one. The first one is
   * "listening"; "missed" says what is not kept any more. signal: ends it.
   */
  async *events({ after, signal, ...filters } = {}) {
    let first = true;
    let delay = DELAY_MS;
    while (!signal?.aborted) {
      try {
        for await (const event of this.#stream(after, filters, signal)) {
          delay = DELAY_MS;
          after = event.id ?? after;
          if (event.type === "tick" || event.type === "end" || (event.type === "listening" && !first)) continue;
          first = false;
          yield event;
        }
      } catch (error) {
        if (error instanceof Refused && error.status !== 429 && error.status !== 503) throw error;
      }
      if (signal?.aborted) return;
      await wait(delay);
      delay = Math.min(2 * delay, 5000);
    }
  }

  async #find(name) {
    this.#operations ??= this.#ask("GET", "/v1/openapi.json").then(({ value: document }) => {
      const found = new Map();
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [method, { operationId }] of Object.entries(methods)) {
          const [, first, below] = /^\/v1\/([\w-]+)(?:\/{\w+}\/([\w-]+))?/.exec(path);
          const words = operationId.split("."), verb = words.pop();
          const resource = camel(below && words.length > 1 && below !== verb ? below : first);    // call.leg.list is legs.list
          const one = { method: method.toUpperCase(), path };
          found.set(operationId, one).set(`${resource}.${camel(verb)}`, one);
        }
      }
      return found;
    });
    const operations = await this.#operations.catch((error) => {
      this.#operations = undefined;
      throw error;
    });
    const [resource, verb] = [name.slice(0, name.lastIndexOf(".")), name.slice(name.lastIndexOf(".") + 1)];
    const one = operations.get(name) ?? operations.get(`${resource}.${camel(verb)}`);
    if (!one) throw new TypeError(`there is no operation ${name}`);
    return one;
  }

  #fetch(method, target, { body, signal, ...headers } = {}) {
    if (this.#token) headers.Authorization = `Bearer ${this.#token}`;
    return fetch(this.#url + target, { method, body, signal, headers, cache: "no-store", redirect: "error" });
  }

  /** What came, and its header Link. Asked again where nothing was done, or it may be done twice. */
  async #ask(method, target, body, key) {
    for (let left = TRIES - 1; ; left--) {
      let response;
      try {
        response = await this.#fetch(method, target, { body, signal: AbortSignal.timeout(ANSWER_MS), ...(key ? { "Idempotency-Key": key } : {}) });
        if (response.ok) return { value: JSON.parse((await response.text()) || "null"), link: response.headers.get("Link") ?? "" };
      } catch (error) {
        if ((method !== "GET" && !key) || !left) throw new NoAnswer(`${method} ${target}: ${error.message}`, { cause: error });
        await wait(DELAY_MS * (TRIES - left));
        continue;
      }
      const problem = await refused(response);
      if ((response.status !== 429 && response.status !== 503) || !left) throw problem;
      await wait(1000 * Number(response.headers.get("Retry-After") ?? 1));
    }
  }

  async *#stream(after, filters, signal) {
    const silence = new AbortController();
    const stop = () => silence.abort();
    let timer = setTimeout(stop, SILENT_MS);
    signal?.addEventListener("abort", stop);
    try {
      const asked = query(this.#tenant ? { tenant: this.#tenant, ...filters } : filters);
      const headers = { Accept: "text/event-stream", ...(after ? { "Last-Event-ID": after } : {}) };
      const response = await this.#fetch("GET", `/v1/events?${asked}`, { signal: silence.signal, ...headers });
      if (!response.ok) throw await refused(response);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let kept = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(timer);
        timer = setTimeout(stop, SILENT_MS);
        const parts = (kept + value).split("\n\n");
        kept = parts.pop();
        for (const part of parts) {
          const lines = part.split("\n").filter((line) => line.startsWith("data:"));
          if (lines.length) yield JSON.parse(lines.map((line) => line.slice(5).trim()).join("\n"));
        }
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      stop();
    }
  }
}
