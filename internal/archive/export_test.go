package archive

// Public lets tests name addresses that no test could have a server at.
var Public = public

// PlaceIdle, NewPlaces and Do are places by themselves.
const PlaceIdle = placeIdle

var (
	NewPlaces = newPlaces
	Do        = (*places).do
)
