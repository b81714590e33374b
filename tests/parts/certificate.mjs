// A certificate for localhost, for the life of this process.
import { makeCertificate } from "../../demo/certificate.mjs";
import { temporaryFolder } from "./process.mjs";

let made;

/** `{ ca, certificateChain, privateKey }`, each PEM text; made once a process. */
export function certificate() {
  return (made ??= makeCertificate(temporaryFolder()));
}
