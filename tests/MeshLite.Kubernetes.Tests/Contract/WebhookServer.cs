using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>An admission webhook that answers what the test says.</summary>
internal sealed class WebhookServer : IAsyncDisposable
{
    private readonly WebApplication _web;

    private WebhookServer(WebApplication web, string caPem)
    {
        _web = web;
        Url = web.Urls.First() + "/admit";
        CaBundle = Convert.ToBase64String(Encoding.ASCII.GetBytes(caPem));
    }

    public string Url { get; }

    public string CaBundle { get; }

    public static async Task<WebhookServer> StartAsync(Func<JsonNode, JsonObject> answer)
    {
        var authority = new TestAuthority(TimeProvider.System);
        var certificate = authority.Issue(new TestLeaf { Subject = "CN=webhook", Uris = [], Addresses = ["127.0.0.1"] });
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var web = builder.Build();
        web.Run(async http =>
        {
            var request = (await JsonNode.ParseAsync(http.Request.Body))!["request"]!;
            var response = answer(request);
            response["uid"] = (string?)request["uid"];
            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(new JsonObject { ["apiVersion"] = "admission.k8s.io/v1", ["kind"] = "AdmissionReview", ["response"] = response }.ToJsonString());
        });
        await web.StartAsync();
        return new WebhookServer(web, authority.Public.ExportCertificatePem());
    }

    public ValueTask DisposeAsync() => _web.DisposeAsync();
}
