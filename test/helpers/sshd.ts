import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOutput } from "./command.ts";
import { freePort } from "./free-port.ts";
import { makeTempDir } from "./temp.ts";

export interface Sshd {
  /** `ssh://USER@127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  /** The private key that opens it. */
  readonly key: string;
  /** Another private key. */
  readonly wrongKey: string;
  close(): Promise<void>;
}

/** OpenSSH's server on loopback, for the user that runs the tests. sshd_config(5). */
export async function startSshd(): Promise<Sshd> {
  const folder = makeTempDir("sshd");
  const path = (name: string) => join(folder, name);
  for (const name of ["host", "user", "wrong"]) {
    await commandOutput(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path(name)]);
  }
  writeFileSync(path("authorized"), readFileSync(path("user.pub")), { mode: 0o600 });
  const port = await freePort();
  const settings = [
    ...[
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${path("host")}`,
      `AuthorizedKeysFile ${path("authorized")}`,
    ],
    ...[
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "PermitRootLogin prohibit-password",
      "PidFile none",
    ],
  ];
  writeFileSync(path("config"), `${settings.join("\n")}\n`);
  mkdirSync("/run/sshd", { recursive: true });
  const daemon = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", path("config")], { stdio: "ignore" });
  const close = async () => {
    if (daemon.exitCode === null && daemon.kill()) await once(daemon, "exit");
  };
  for (let tries = 0; !(await listens(port)); tries++) {
    if (tries === 100 || daemon.exitCode !== null) {
      await close();
      throw new Error("sshd does not start");
    }
    await sleep(50);
  }
  const origin = `ssh://${userInfo().username}@127.0.0.1:${port}`;
  return { origin, key: path("user"), wrongKey: path("wrong"), close };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (isThere: boolean) => () => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on("connect", end(true)).on("error", end(false));
  });
}
