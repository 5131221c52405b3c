using MeshLite.PodApp;

// One program for all: `serve NAME` is every server, the rest are callers that print what they got.
return args switch
{
    ["serve", var name, .. var options] => await Server.RunAsync(name, options),
    ["load", var url, var rate, var prefix, .. var how] => await LoadCaller.RunAsync(new Uri(url), int.Parse(rate), prefix, keyed: how is ["keyed"]),
    ["grpc", var url] => await GrpcCaller.RunAsync(new Uri(url)),
    ["ws", var url] => await WebSocketCaller.RunAsync(new Uri(url)),
    ["bulk", var host, var port, var bytes] => await BulkCaller.RunAsync(host, int.Parse(port), long.Parse(bytes)),
    ["talk", var host, var port, .. var lines] => await LineCaller.RunAsync(host, int.Parse(port), lines),
    _ => throw new InvalidOperationException("serve NAME | load URL RATE PREFIX [keyed] | grpc URL | ws URL | bulk HOST PORT BYTES | talk HOST PORT LINE..."),
};
