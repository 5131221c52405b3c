using System.Net;
using MeshLite.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Tests.Hosting;

public sealed class TelemetryEndpointTests
{
    [Fact]
    public async Task HandleAsync_EachPath_Answers()
    {
        var readiness = new Readiness("waiting for the configuration");
        var endpoint = new TelemetryEndpoint(readiness, context => context.Response.WriteAsync("series 1\n"));
        var listeners = new ListenerSet();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            listeners.Add(kestrel, "telemetry", new IPEndPoint(IPAddress.Loopback, 0), _ => { });
            listeners.Add(kestrel, "other", new IPEndPoint(IPAddress.Loopback, 0), _ => { });
        });
        await using var app = builder.Build();
        app.Run(context => ListenerSet.NameOf(context) == "telemetry" ? endpoint.HandleAsync(context) : context.Response.WriteAsync("other"));
        await app.StartAsync(TestContext.Current.CancellationToken);
        using var client = new HttpClient { BaseAddress = new Uri($"http://{listeners.AddressOf("telemetry")}") };

        (await GetAsync("/live")).ShouldBe((200, "live\n"));
        (await GetAsync("/metrics")).ShouldBe((200, "series 1\n"));
        (await GetAsync("/ready")).ShouldBe((503, "waiting for the configuration\n"));
        readiness.SetReady();
        (await GetAsync("/ready")).ShouldBe((200, "ready\n"));
        (await GetAsync("/elsewhere")).Status.ShouldBe(404);
        (await client.PostAsync("/ready", null, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
        (await GetAsync($"http://{listeners.AddressOf("other")}/")).Text.ShouldBe("other");

        async Task<(int Status, string Text)> GetAsync(string path)
        {
            var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }
}
