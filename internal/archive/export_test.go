package archive

// Public lets tests name addresses that no test could have a server at.
var Public = public
