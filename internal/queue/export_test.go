package queue

// Decode reads a job as it comes from Redis.
var Decode = decode
