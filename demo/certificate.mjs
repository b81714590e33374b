// A certificate authority of our own and a leaf for localhost and 127.0.0.1, made with openssl: for what insists on https
// on this machine.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Makes both in a folder and returns `{ ca, certificateChain, privateKey, caFile }`: PEM texts, and a file's name. */
export function makeCertificate(folder) {
  const file = (name) => path.join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test authority");
  openssl("req", ...key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost");
  writeFileSync(file("leaf.ext"), "subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n");
  openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem",
    "-days", "2", "-extfile", "leaf.ext");
  const read = (name) => readFileSync(file(name), "utf8");
  const [ca, leaf] = [read("ca.pem"), read("leaf.pem")];
  return { ca, certificateChain: leaf + ca, privateKey: read("leaf.key"), caFile: file("ca.pem") };
}
