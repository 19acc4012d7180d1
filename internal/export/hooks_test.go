package export

// AtStep lets a test end a run at a step.
func AtStep(o *Options, fn func(step string) error) { o.step = fn }
