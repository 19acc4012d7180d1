package call

import (
	"reflect"
	"testing"
	"time"
)

// Whatever is read of a notification tells it from another; what belongs to its
// delivery does not.
func TestEveryFieldThatIsReadTellsNotificationsApart(t *testing.T) {
	t.Parallel()
	zero := Event{}.says()
	var walk func(v reflect.Value, path string, root *Event)
	walk = func(v reflect.Value, path string, root *Event) {
		switch {
		case v.Type() == reflect.TypeFor[time.Time]():
			v.Set(reflect.ValueOf(time.Unix(1_780_000_000, 0)))
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name, root)
			}
			return
		case v.Kind() == reflect.String:
			v.SetString("x")
		case v.Kind() == reflect.Bool:
			v.SetBool(true)
		case v.Kind() == reflect.Slice:
			v.Set(reflect.ValueOf([]string{"x"}))
		case v.CanInt():
			v.SetInt(1)
		default:
			v.SetUint(1)
		}
		delivery := path == ".ID" || path == ".ReceivedAt"
		if same := root.says() == zero; same != delivery {
			t.Errorf("%s: the same notification: %v", path, same)
		}
		v.SetZero()
	}
	var e Event
	walk(reflect.ValueOf(&e).Elem(), "", &e)
}
