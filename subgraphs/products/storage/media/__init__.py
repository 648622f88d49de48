"""Where the bytes of pictures and files are: a folder, or anything that speaks the protocol of S3."""
