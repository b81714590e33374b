// Every page: who is logged in, a link to log out, and what happens when the session has ended.
import { useEffect } from "react";
import { isRouteErrorResponse, Link, Links, Meta, Outlet, Scripts, ScrollRestoration, useRouteLoaderData } from "react-router";
import { gateway } from "./gateway.js";
import "./style.css";
import { userOf } from "./user.server.js";

export const loader = ({ request }) => ({ user: userOf(request) });

export const meta = () => [{ title: "Orders" }];
export const links = () => [{ rel: "icon", href: "data:," }];

export function Layout({ children }) {
  const user = useRouteLoaderData("root")?.user;
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <Meta />
        <Links />
      </head>
      <body>
        <nav>
          <Link to="/">Home</Link> <Link to="/orders">Orders</Link>
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
        <ScrollRestoration />
        <Scripts />
      </body>
    </html>
  );
}

export default function App() {
  useEffect(() => gateway.onChange(() => location.reload()), []);
  return <Outlet />;
}

/** A loader's 401 while the router navigates is the gateway's: the session has ended. The user logs in and comes back to this page. */
export function ErrorBoundary({ error }) {
  const hasNoSession = isRouteErrorResponse(error) && error.status === 401;
  useEffect(() => {
    if (hasNoSession) gateway.login();
  }, [hasNoSession]);
  return <p>{hasNoSession ? "Please log in again …" : "Something went wrong."}</p>;
}
