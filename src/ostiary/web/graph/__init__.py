"""The API: Microsoft Graph's JSON for what it knows, and `/ostiary/...` for what is ours. One module per resource."""
