package settings

import "sync"

// oneCommand lets one test at a time use the command line library, which keeps its
// help flag in a global variable.
var oneCommand sync.Mutex
