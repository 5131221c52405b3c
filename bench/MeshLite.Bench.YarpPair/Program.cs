using MeshLite.Bench.YarpPair;

if (PairOptions.Parse(args) is not { } options)
{
    await Console.Error.WriteLineAsync("usage: MeshLite.Bench.YarpPair outbound|inbound UPSTREAM GRPC-UPSTREAM CERT KEY CA | backend|echo|collector");
    return 2;
}

await PairServer.RunAsync(options);
return 0;
