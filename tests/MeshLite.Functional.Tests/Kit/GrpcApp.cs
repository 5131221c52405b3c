using Google.Protobuf.WellKnownTypes;
using MeshLite.Protocol.Grpc;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>A gRPC application on h2c: methods over strings, all of the service <c>test.Echo</c>, added before it starts.</summary>
internal static class GrpcApp
{
    public static Task<HttpApp> StartAsync(Action<GrpcServer> add)
    {
        var server = new GrpcServer(new GrpcServerOptions(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        add(server);
        return HttpApp.StartAsync("orders", server.HandleAsync, HttpProtocols.Http2, kestrel => GrpcServer.Configure(kestrel.Limits));
    }

    /// <summary>A method by its name.</summary>
    public static GrpcMethod<StringValue, StringValue> Method(string name) => new("test.Echo", name, StringValue.Parser, StringValue.Parser);

    /// <summary>A message.</summary>
    public static StringValue Text(string text) => new() { Value = text };
}
