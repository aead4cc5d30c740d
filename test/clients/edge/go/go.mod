module atoll/test/clients/edge/go

go 1.26
