package warehouse

// Refusals are the codes that IsRefusal knows, with their names.
var Refusals = refusals
