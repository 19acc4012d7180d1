package archive

// KindOf and Kinds are the classes of failures.
var (
	KindOf = kindOf
	Kinds  = kinds
)

// SlotIdle, NewSlots and Do are slots by themselves.
const SlotIdle = slotIdle

var (
	NewSlots = newSlots
	Do       = (*slots).do
)
