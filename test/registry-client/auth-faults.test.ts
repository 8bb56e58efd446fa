import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { askCredentialHelper } from "../../registry-client/auth/credential-helper.ts";
import {
  anonymous,
  type Credential,
  copy,
  MemoryTarget,
  RegistryClient,
  RegistryError,
  staticCredentials,
} from "../../registry-client/index.ts";
import {
  type Exchange,
  type Fault,
  type FaultyRegistry,
  readBody,
  sendError,
  sendJson,
  startFaultyRegistry,
} from "../helpers/faulty-registry.ts";
import { makeTempDir } from "../helpers/temp.ts";
import { pushRandomImage } from "./images.ts";

/** The scenarios' names are those of the module's README. */
const faults = suite("authentication faults");

const user: Credential = { type: "password", username: "user", password: "s3cret:with:colons" };
const userBasic = `Basic ${Buffer.from("user:s3cret:with:colons").toString("base64")}`;

interface Scenario {
  readonly fault: (registry: () => FaultyRegistry) => Fault;
  readonly credential?: Credential;
}

/** Pushes an image of one layer to a registry with that fault. */
async function pushTo(scenario: Scenario): Promise<{ registry: FaultyRegistry; error: RegistryError | undefined }> {
  const registry: FaultyRegistry = await startFaultyRegistry((exchange) => scenario.fault(() => registry)(exchange));
  try {
    const error = await push(clientFor(registry, scenario.credential), registry).catch((reason) => reason);
    if (error !== undefined && !(error instanceof RegistryError)) throw error;
    return { registry, error };
  } finally {
    await registry.close();
  }
}

function clientFor(registry: FaultyRegistry, credential: Credential | undefined): RegistryClient {
  const credentials = credential ? staticCredentials({ [registry.host]: credential }) : anonymous;
  return new RegistryClient({ credentials, env: {}, retry: { baseDelayMs: 1 } });
}

async function push(client: RegistryClient, registry: FaultyRegistry): Promise<undefined> {
  const memory = new MemoryTarget();
  await memory.tag(await pushRandomImage(memory, { layerBytes: [200_000] }), "v1");
  await copy(memory, "v1", client.repository(`${registry.host}/app`), "v1");
  return undefined;
}

function challenge({ response }: Exchange, ...challenges: readonly string[]): true {
  if (challenges.length > 0) response.setHeader("WWW-Authenticate", [...challenges]);
  sendError(response, 401, "UNAUTHORIZED");
  return true;
}

const bearer = (registry: FaultyRegistry, more = "") => `Bearer realm="${registry.origin}/token",service="s"${more}`;

/** Wants `token`, which the token server gives as `answer`. */
function bearerFault(
  answer: object,
  token: string,
  onToken: (exchange: Exchange) => void = () => {},
): Scenario["fault"] {
  return (registry) => (exchange) => {
    if (exchange.kind === "token") {
      onToken(exchange);
      sendJson(exchange.response, 200, answer);
      return true;
    }
    if (exchange.request.headers.authorization === `Bearer ${token}`) return undefined;
    return challenge(exchange, bearer(registry(), `,scope="repository:app:pull,push"`));
  };
}

const basicFault =
  (...challenges: readonly string[]): Scenario["fault"] =>
  () =>
  (exchange) =>
    exchange.request.headers.authorization === userBasic ? undefined : challenge(exchange, ...challenges);

faults("auth-basic: one 401, then Basic on every request", async () => {
  const { registry, error } = await pushTo({ fault: basicFault('Basic realm="x"'), credential: user });
  assert.is(error, undefined);
  assert.is(registry.headers.filter(({ authorization }) => authorization === undefined).length, 1);
});

faults("auth-bearer-get: one request for a token, for pull and push, serves all", async () => {
  const queries: URLSearchParams[] = [];
  const fault = bearerFault({ token: "t1" }, "t1", ({ url }) => queries.push(url.searchParams));
  const { error } = await pushTo({ fault, credential: user });
  assert.is(error, undefined);
  assert.equal(
    queries.map((query) => [query.getAll("scope"), query.get("service"), query.get("account")]),
    [[["repository:app:pull,push"], "s", "user"]],
  );
});

for (const status of [200, 404, 405, 401, 400]) {
  faults(
    `auth-oauth2-refresh: an identity token is posted as a form${status === 200 ? "" : `; ${status} means GET`}`,
    async () => {
      const forms: URLSearchParams[] = [];
      const fault: Scenario["fault"] = (registry) => async (exchange) => {
        if (exchange.kind === "token" && exchange.method === "POST") {
          forms.push(new URLSearchParams((await readBody(exchange.request)).toString()));
          sendJson(exchange.response, status, { access_token: "t1" });
          return true;
        }
        return bearerFault({ token: "t1" }, "t1")(registry)(exchange);
      };
      const { registry, error } = await pushTo({ fault, credential: { type: "identity-token", token: "refresh-me" } });
      assert.is(error, undefined);
      assert.equal([forms[0]?.get("grant_type"), forms[0]?.get("refresh_token")], ["refresh_token", "refresh-me"]);
      assert.is(registry.requests.filter((line) => line === "GET token").length, status === 200 ? 0 : 1);
    },
  );
}

const tokenAnswers: readonly (readonly [string, object, string | undefined])[] = [
  ["auth-access-token-field: access_token is taken", { access_token: "t1" }, undefined],
  ["auth-both-fields: access_token goes before token", { access_token: "t1", token: "t0" }, undefined],
  ["auth-empty-token: the realm is named", { token: "" }, "PROTOCOL_ERROR"],
  ["auth-token-with-newline: it never becomes a header", { token: "t1\r\nX: y" }, "PROTOCOL_ERROR"],
];

for (const [name, answer, code] of tokenAnswers) {
  faults(name, async () => {
    const { error } = await pushTo({ fault: bearerFault(answer, "t1") });
    assert.is(error?.code, code);
    if (error) assert.match(error.message, "/token");
  });
}

const challengeLists: readonly (readonly string[])[] = [
  ["Negotiate", 'Basic realm="x"'],
  ['Negotiate, Basic realm="x"'],
  ['NTLM TlRMTVNTUAAB, Basic realm="x", Digest realm="y"'],
];

for (const list of challengeLists) {
  faults(`auth-multi-challenge: of ${list.join(" | ")}, Basic is chosen`, async () => {
    assert.is((await pushTo({ fault: basicFault(...list), credential: user })).error, undefined);
  });
}

faults("auth-challenge-missing: /v2/ is asked for the challenge once", async () => {
  const fault: Scenario["fault"] = () => (exchange) => {
    if (exchange.request.headers.authorization === userBasic) return undefined;
    return exchange.kind === "ping" ? challenge(exchange, 'Basic realm="x"') : challenge(exchange);
  };
  const { registry, error } = await pushTo({ fault, credential: user });
  assert.is(error, undefined);
  assert.is(registry.requests.filter((line) => line === "GET ping").length, 1);
});

faults("auth-unknown-scheme: the error names what is offered", async () => {
  const { error } = await pushTo({ fault: basicFault("Negotiate"), credential: user });
  assert.equal([error?.code, error?.hint], ["UNAUTHORIZED", "it offers negotiate; Bearer and Basic are known"]);
});

faults("auth-expired-between: a token that has run out is renewed before it is sent", async () => {
  let issued = 0;
  const refused: string[] = [];
  const fault: Scenario["fault"] = (registry) => async (exchange) => {
    if (exchange.kind === "token") {
      sendJson(exchange.response, 200, { token: `t${++issued}`, expires_in: 1 });
      return true;
    }
    if (exchange.kind === "upload-start") await new Promise((resolve) => setTimeout(resolve, 1100));
    if (exchange.request.headers.authorization?.startsWith("Bearer t")) return undefined;
    refused.push(exchange.method);
    return challenge(exchange, bearer(registry()));
  };
  const { error } = await pushTo({ fault });
  assert.is(error, undefined);
  assert.ok(issued > 1);
  assert.equal(refused, ["HEAD"]);
});

faults("auth-401-mid-put: the token is renewed, the body opened again and sent once more", async () => {
  let issued = 0;
  const fault: Scenario["fault"] = (registry) => async (exchange) => {
    if (exchange.kind === "token") {
      sendJson(exchange.response, 200, { token: `t${++issued}` });
      return true;
    }
    const isFirstPut = exchange.kind === "upload" && exchange.method === "PUT" && exchange.count === 1;
    if (isFirstPut) await readBody(exchange.request);
    const isGood = exchange.request.headers.authorization === `Bearer t${Math.max(1, issued)}`;
    return isGood && !isFirstPut ? undefined : challenge(exchange, bearer(registry(), ',error="invalid_token"'));
  };
  const { registry, error } = await pushTo({ fault });
  assert.is(error, undefined);
  assert.is(registry.requests.filter((line) => line === "POST upload-start").length, 2);
});

faults(
  "auth-insufficient-scope: a second token is asked for with the demanded scope first; then it is a denial",
  async () => {
    for (const isGenerous of [true, false]) {
      const asked: string[][] = [];
      const fault: Scenario["fault"] = (registry) => (exchange) => {
        if (exchange.kind === "token") {
          asked.push(exchange.url.searchParams.getAll("scope"));
          sendJson(exchange.response, 200, { token: `t${asked.length}` });
          return true;
        }
        const { authorization } = exchange.request.headers;
        if (authorization === undefined) return challenge(exchange, bearer(registry()));
        if (isGenerous && authorization === "Bearer t2") return undefined;
        return challenge(exchange, bearer(registry(), ',error="insufficient_scope",scope="repository:other:pull"'));
      };
      const { error } = await pushTo({ fault, credential: user });
      assert.is(error?.code, isGenerous ? undefined : "DENIED");
      assert.equal(asked[1], ["repository:other:pull", "repository:app:pull,push"]);
    }
  },
);

faults("auth-scheme-change: from Bearer to Basic on the way", async () => {
  const fault: Scenario["fault"] = (registry) => (exchange) => {
    if (exchange.kind === "token") return undefined;
    const { authorization } = exchange.request.headers;
    if (exchange.method !== "PUT") return authorization ? undefined : challenge(exchange, bearer(registry()));
    return authorization === userBasic ? undefined : challenge(exchange, 'Basic realm="x"');
  };
  assert.is((await pushTo({ fault, credential: user })).error, undefined);
});

faults("auth-anonymous-200-token, then 403: the want of credentials is named", async () => {
  const fault: Scenario["fault"] = (registry) => (exchange) => {
    if (exchange.kind === "token") return undefined;
    if (!exchange.request.headers.authorization) return challenge(exchange, bearer(registry()));
    sendError(exchange.response, 403, "DENIED");
    return true;
  };
  const { error } = await pushTo({ fault });
  assert.is(error?.code, "UNAUTHORIZED");
  assert.match(error?.hint ?? "", "no credentials found for host");
});

faults("auth-denied: 403 for a known user is a denial", async () => {
  const fault: Scenario["fault"] = (registry) => (exchange) => {
    if (exchange.request.headers.authorization !== userBasic) return basicFault('Basic realm="x"')(registry)(exchange);
    sendError(exchange.response, 403, "DENIED");
    return true;
  };
  const { error } = await pushTo({ fault, credential: user });
  assert.is(error?.code, "DENIED");
});

faults("auth-realm-private-ip: credentials are not sent into a private network", async () => {
  const fault = basicFault('Bearer realm="http://10.1.2.3/token",service="s"');
  const { registry, error } = await pushTo({ fault, credential: user });
  assert.is(error?.code, "PROTOCOL_ERROR");
  assert.not(registry.headers.some(({ authorization }) => authorization !== undefined));
});

faults("auth-concurrent-50: fifty calls at once ask for one token", async () => {
  const fault = bearerFault({ token: "t1" }, "t1");
  const registry: FaultyRegistry = await startFaultyRegistry((exchange) => fault(() => registry)(exchange));
  const repository = clientFor(registry, user).repository(`${registry.host}/app`);
  const memory = new MemoryTarget();
  const blob = { ...(await pushRandomImage(memory)), mediaType: "application/octet-stream" };
  await Promise.all(Array.from({ length: 50 }, () => repository.exists(blob)));
  await registry.close();
  assert.is(registry.requests.filter((line) => line === "GET token").length, 1);
});

faults("no secret is in an error, even when the registry echoes it", async () => {
  const fault: Scenario["fault"] = (registry) => (exchange) => {
    const { authorization = "" } = exchange.request.headers;
    if (authorization !== userBasic) return basicFault('Basic realm="x"')(registry)(exchange);
    sendJson(exchange.response, 400, { errors: [{ code: "X", message: `you sent ${authorization}` }] });
    return true;
  };
  const { error } = await pushTo({ fault, credential: user });
  assert.match(error?.message ?? "", "you sent Basic ***");
});

/** What a helper does, and what comes of it. */
const helpers: readonly (readonly [string, string | undefined, string | Credential | undefined])[] = [
  ["helper-missing", undefined, "CREDENTIALS_FAILED"],
  [
    "helper-answers",
    'echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"$(cat)\\"}"',
    { type: "password", username: "u", password: "reg.io" },
  ],
  [
    "helper-token",
    'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"t\\"}"',
    { type: "identity-token", token: "t" },
  ],
  ["helper-not-found-msg", "echo credentials not found in native keychain; exit 1", undefined],
  ["helper-fails", "echo s3cret >&2; exit 1", "CREDENTIALS_FAILED"],
  ["helper-hangs", "exec sleep 60", "CREDENTIALS_FAILED"],
  ["helper-nonsense", "echo hello", "CREDENTIALS_FAILED"],
];

for (const [name, script, expected] of helpers) {
  faults(name, async () => {
    const folder = makeTempDir("helper");
    const path = join(folder, "docker-credential-test");
    if (script !== undefined) {
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    }
    const env = { PATH: script === undefined ? folder : `${folder}:/usr/bin:/bin` };
    const answer = await askCredentialHelper("test", "reg.io", env, 1500).catch((error: RegistryError) => {
      assert.not.match(error.message + error.hint, "s3cret");
      return error.code;
    });
    assert.equal(answer, expected);
  });
}

faults.run();
