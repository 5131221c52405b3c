using System.Text.Json;
using MeshLite.ControlPlane.Injection;
using MeshLite.Injection;
using MeshLite.Metrics;
using MeshLite.TestKit.Fuzz;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Fuzz;

/// <summary>The webhooks: whoever reaches the port may send them anything.</summary>
public sealed class WebhookFuzzTests : IDisposable
{
    private static readonly InjectionOptions Options = new()
    {
        Image = "meshlite/sidecar:1", ControlPlane = "https://meshlite-control-plane:15012", TrustBundlePem = "-----BEGIN CERTIFICATE-----", TokenAudience = "meshlite", Version = "1",
    };

    private readonly MetricRegistry _registry = new(TimeProvider.System);
    private readonly WebhookServer _server;

    public WebhookFuzzTests()
    {
        var inject = new PodAdmission(() => Options, (_, _) => ValueTask.FromResult<IReadOnlyDictionary<string, string>?>(new Dictionary<string, string> { ["meshlite.dev/inject"] = "enabled" }));
        _server = new WebhookServer(inject.ReviewAsync, ResourceAdmission.ReviewAsync, new ControlPlaneMetrics(_registry), TimeProvider.System, NullLogger<WebhookServer>.Instance);
    }

    public void Dispose() => _registry.Dispose();

    [Theory]
    [InlineData("/inject")]
    [InlineData("/validate")]
    public void Handle_AnyBody_IsAReviewOrAStatus(string path) =>
        new Fuzzer("reviews", "{", "}", "[", "]", "\"", ":", ",", "\\ud800", "\"\\ud800\"", "null", "1e999", "\"metadata\":", "\"spec\":", "\"containers\":")
        {
            Iterations = 1_000, AllocationPerByte = 20_000,
        }.Run((byte[] body) =>
        {
            var context = new DefaultHttpContext();
            context.Request.Path = path;
            context.Request.Method = "POST";
            context.Request.ContentType = "application/json";
            context.Request.Body = new MemoryStream(body);
            using var answer = new MemoryStream();
            context.Response.Body = answer;

            _server.HandleAsync(context).GetAwaiter().GetResult();

            if (context.Response.StatusCode != StatusCodes.Status200OK)
            {
                context.Response.StatusCode.ShouldBe(StatusCodes.Status400BadRequest);
                return;
            }

            using var review = JsonDocument.Parse(answer.ToArray());
            using var asked = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 200 });
            var response = review.RootElement.GetProperty("response");
            response.GetProperty("uid").GetString().ShouldBe(asked.RootElement.GetProperty("request").GetProperty("uid").GetString());
            response.GetProperty("allowed").ValueKind.ShouldBeOneOf(JsonValueKind.True, JsonValueKind.False);
        });
}
