// A certificate authority of our own and a leaf for localhost and 127.0.0.1, made with openssl.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

/** `{ ca, cert, key }`, each PEM text. */
export function certificate() {
  const folder = mkdtempSync(path.join(tmpdir(), "certificate-"));
  try {
    const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority");
    openssl("req", ...key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost");
    writeFileSync(path.join(folder, "leaf.ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem", "-days", "2", "-extfile", "leaf.ext");
    const read = (name) => readFileSync(path.join(folder, name), "utf8");
    return { ca: read("ca.pem"), cert: read("leaf.pem") + read("ca.pem"), key: read("leaf.key") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
