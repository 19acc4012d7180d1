package embedded

// httpHandlers say which requests the HTTP port answers; to others it answers 404.
//
// No web page gets an answer, nor anything done, whoever is at the browser: a page
// sends Origin or Sec-Fetch-Site with each of its requests ("none" is the address
// bar's), and one that has its own name lead to this machine sends that name as
// Host. Tunnels may have another port. The engine's own pages, such as /play, and
// the preflight of a page, OPTIONS, are left out; the setting that would ask for
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
