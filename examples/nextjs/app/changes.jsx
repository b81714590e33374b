"use client";
// Loads the page again when another tab has logged in or out.
import { useEffect } from "react";
import { gateway } from "../lib/gateway.js";

export function Changes() {
  useEffect(() => gateway.onChange(() => location.reload()), []);
  return null;
}
