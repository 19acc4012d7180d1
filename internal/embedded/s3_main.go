package embedded

func s3Main(*lifeLine) error { return errEnded }
