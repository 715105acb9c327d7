"""From a path to records and rejections; never encodes or stores."""
