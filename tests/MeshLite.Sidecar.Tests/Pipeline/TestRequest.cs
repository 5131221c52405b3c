using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Tests.Pipeline;

/// <summary>A request's state as a listener begins it, without a connection behind it.</summary>
internal static class TestRequest
{
    public static RequestState Begin(TimeProvider time, string method = "GET", CancellationToken aborted = default, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestFeature { Method = method, Path = "/", RawTarget = "/", Protocol = "HTTP/2", Scheme = "http" };
        foreach (var (name, value) in headers)
        {
            request.Headers[name] = value;
        }

        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = aborted });
        features.Set(new MeshConnection(ListenerRole.Outbound, ConnectionProtocol.Http2));
        var state = new RequestState(new AttemptSettings(time, new Random(1)));
        state.Begin(features, time.GetTimestamp());
        return state;
    }
}
