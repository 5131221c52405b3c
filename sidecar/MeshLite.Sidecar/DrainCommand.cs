using System.CommandLine;
using System.Net;
using MeshLite.Hosting;

namespace MeshLite.Sidecar;

/// <summary><c>meshlite-sidecar drain</c>: asks the sidecar on this machine to drain and waits until it has (the preStop hook of an injected pod).</summary>
internal static class DrainCommand
{
    private static readonly Option<IPEndPoint> Admin =
        CommonOptions.EndPoint("--admin", new IPEndPoint(IPAddress.Loopback, 15000), "admin interface of the sidecar").FromEnvironment();

    public static Command Create()
    {
        var command = new Command("drain", "Let connections end gracefully; returns when idle, or after 30 s.") { Admin };
        command.SetAction(async (result, cancellation) =>
        {
            var admin = result.GetValue(Admin)!;
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            try
            {
                using var response = await client.PostAsync(new Uri($"http://{admin}/drain"), content: null, cancellation);
                response.EnsureSuccessStatusCode();
                return 0;
            }
            catch (HttpRequestException e)
            {
                throw new StartupException($"no sidecar drains at {admin}: {e.Message}", inner: e);
            }
        });
        return command;
    }
}
