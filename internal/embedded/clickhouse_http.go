package embedded

// httpHandlers say which requests the HTTP port answers; to others it answers 404.
//
// Requests of web pages are refused, whichever user's browser sends them: a page's
// requests have Origin or Sec-Fetch-Site ("none" is that of the address
// bar), and if a page's own host name resolves to this machine (DNS rebinding), the Host
// is that name. Tunnels may have another port. The engine's own pages, such as /play, and
// the preflight request of a page, OPTIONS, are not answered; the setting that would add
// CORS headers is constant (see usersConfig).
const httpHandlers = `<http_handlers>
    <rule>
      <url>/ping</url>
      <methods>GET,HEAD</methods>
      <handler><type>ping</type></handler>
    </rule>
    <rule>
      <methods>GET,HEAD,POST</methods>
      <headers>
        <Host>regex:(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?</Host>
        <Origin>regex:()</Origin>
        <Sec-Fetch-Site>regex:(none)?</Sec-Fetch-Site>
      </headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
  </http_handlers>`
