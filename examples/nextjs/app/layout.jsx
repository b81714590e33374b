// Every page: who is logged in, and a link to log out. Where the session has ended while Next.js navigates in the browser, its request for the
// next page gets a 401, and it opens that page with the browser: the gateway sends the user to log in, and back to it.
import Link from "next/link";
import { getUser } from "../lib/user.js";
import { Changes } from "./changes.jsx";
import "./style.css";

export const metadata = { title: "Orders", icons: "data:," };

export default async function Layout({ children }) {
  const user = await getUser();
  return (
    <html lang="en">
      <body>
        <nav>
          <Link href="/">Home</Link>{" "}
          {/* Before a login there is nothing to fetch ahead. */}
          <Link href="/orders" prefetch={user ? undefined : false}>Orders</Link>
        </nav>
        {/* The gateway's own addresses are plain links: they are not the router's. */}
        {user ? (
          <p>
            Hello, {user.name}. <a href="/auth/logout?return_to=/">Log out</a>
          </p>
        ) : (
          <p>
            Nobody is logged in. <a href="/auth/login?return_to=/">Log in</a>
          </p>
        )}
        {children}
        <Changes />
      </body>
    </html>
  );
}
