using System.Collections.Immutable;
using System.Net;
using MeshLite.Hosting;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// A mesh in one process: a <see cref="FakeControlPlane"/> and as many real sidecars as the test asks for, on real
/// sockets with real certificates. Everything ends with it.
/// </summary>
internal sealed class MeshFixture : IAsyncDisposable
{
    /// <value>For the first call to a destination. As long as anything in a test may take: what a sidecar promises is 1 s, what the machine does is not.</value>
    public static readonly TimeSpan FirstAnswerTimeout = TimeSpan.FromSeconds(15);

    private readonly TestDirectory _directory = new();
    private readonly List<SidecarComponents> _sidecars = [];
    private int _count;

    private MeshFixture()
    {
    }

    public FakeControlPlane ControlPlane { get; private set; } = null!;

    public static async Task<MeshFixture> StartAsync()
    {
        var mesh = new MeshFixture();
        Directory.CreateDirectory(mesh._directory["cp"]);
        mesh.ControlPlane = await FakeControlPlane.StartAsync(mesh._directory["cp"]);
        return mesh;
    }

    /// <summary>Policy of the services that are set from now on.</summary>
    public ServicePolicyConfig Policy { get; set; } = ServicePolicyConfig.Default;

    /// <summary>Ends the control plane; its certificates and tokens stay good.</summary>
    public async Task StopControlPlaneAsync() => await ControlPlane.DisposeAsync();

    /// <summary>Starts it again where it was, knowing nothing of services.</summary>
    public async Task RestartControlPlaneAsync() => ControlPlane = await FakeControlPlane.StartAsync(ControlPlane.DataDir, ControlPlane.Address.Port);

    /// <summary>A sidecar of <paramref name="service"/>, ready; <paramref name="appPort"/> 0: it only calls others.</summary>
    public Task<SidecarComponents> SidecarAsync(string service, int appPort = 0, string ns = "shop") =>
        SidecarAsync(new TestSidecar(service, appPort) { Namespace = ns });

    /// <summary>A sidecar, ready.</summary>
    public async Task<SidecarComponents> SidecarAsync(TestSidecar test)
    {
        var sidecar = await UnreadySidecarAsync(test);
        await ReadyAsync(sidecar);
        return sidecar;
    }

    /// <summary>A sidecar that has just been started: it asks for certificate and configuration, and may never get them.</summary>
    public async Task<SidecarComponents> UnreadySidecarAsync(TestSidecar test)
    {
        var name = test.Name ?? $"{test.Service}-{Interlocked.Increment(ref _count)}";
        var token = _directory[$"{name}.token"];
        await File.WriteAllTextAsync(token, test.Token ?? ControlPlane.CreateToken(test.Namespace, test.Service));
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        var options = new SidecarOptions
        {
            ControlPlane = ControlPlane.Address,
            ControlPlaneCa = Path.Combine(ControlPlane.DataDir, "ca.pem"),
            TokenFile = token,
            Service = test.AppPort == 0 ? "" : test.Service,
            Workload = name,
            Labels = ImmutableSortedDictionary<string, string>.Empty,
            AppPort = test.AppPort == 0 ? null : test.AppPort,
            Inbound = any,
            Outbound = any,
            Admin = any,
            Telemetry = any,
            FirstAnswerTimeout = FirstAnswerTimeout,
            StateDir = _directory[name],
        };
        var sidecar = SidecarComponents.Create(test.Options(options), new LogLevels(test.Level), TimeProvider.System, test.AccessLog);
        _sidecars.Add(sidecar);
        if (test.Logs is not null)
        {
            sidecar.Logs.AddProvider(test.Logs);
        }

        test.Limits?.Invoke(sidecar.KestrelOptions.Limits);
        await sidecar.Server.StartAsync(sidecar.Kestrel, sidecar.Application);
        sidecar.Bind();
        sidecar.StartIdentity();
        sidecar.StartLoops();
        return sidecar;
    }

    /// <summary>Waits, as the program does, for certificate and configuration, and accepts.</summary>
    public static async Task ReadyAsync(SidecarComponents sidecar)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20), TimeProvider.System);
        (await SidecarStartup.WaitAsync(sidecar, patience.Token)).ShouldBeTrue(sidecar.Readiness.Reason);
        sidecar.Accept();
        sidecar.Readiness.SetReady();
    }

    /// <summary>Ends a sidecar as the program does when told to: drained, then refusing, then serving whoever was accepted last.</summary>
    public async Task DrainAndEndAsync(SidecarComponents sidecar)
    {
        await sidecar.Draining.DrainAsync().WaitAsync(TimeSpan.FromSeconds(35));
        await sidecar.RefuseAsync();
        await sidecar.Draining.FinishAsync();
        await EndAsync(sidecar);
    }

    /// <summary>Ends a sidecar before the mesh ends: at once, as its process would.</summary>
    public async Task EndAsync(SidecarComponents sidecar)
    {
        _sidecars.Remove(sidecar);
        await sidecar.Kestrel.StopAsync(new CancellationToken(canceled: true));
        await sidecar.DisposeAsync();
    }

    /// <summary>Makes a service of these endpoints known, under its short name with and without port, with one rule that matches everything.</summary>
    public void Service(string name, params SidecarComponents[] endpoints) =>
        Service(new RouteRuleConfig { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] }, name, endpoints);

    /// <summary>As above, with the rule given; its backend 0 is the service.</summary>
    public void Service(RouteRuleConfig rule, string name, params SidecarComponents[] endpoints) =>
        Service(rule, name, endpoints.Select(e => (e.InboundAddress, e.Identity.Current!.Id)).ToArray());

    /// <summary>As above, with endpoints of which only addresses and expected identities are known.</summary>
    public void Service(RouteRuleConfig rule, string name, params (IPEndPoint Address, SpiffeId Identity)[] endpoints)
    {
        var service = new ServiceRef("shop", name, 80);
        ControlPlane.Set(new EndpointSetConfig(service,
        [
            .. endpoints.Select(e => new EndpointConfig { Address = e.Address, Identity = e.Identity, Workload = $"{name}-{e.Address.Port}" })
                .OrderBy(e => e.Address.ToString(), StringComparer.Ordinal),
        ]));
        foreach (var authority in (string[])[name, $"{name}:80"])
        {
            ControlPlane.Set(new DestinationConfig
            {
                Authority = authority,
                Kind = DestinationKind.Service,
                Service = service,
                Matches = [new RouteMatchConfig { Rule = 0 }],
                Rules = [rule],
                Backends = [new BackendConfig { Service = service, Policy = Policy }],
            });
        }
    }

    /// <summary>An HTTP client that calls through a sidecar's outbound port.</summary>
    public static HttpClient Client(SidecarComponents through, bool http2 = false) => new(Handler(through))
    {
        DefaultRequestVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromSeconds(60),
    };

    /// <summary>As above, without what <see cref="HttpClient"/> does: for gRPC, whose responses it would read to their end first.</summary>
    public static SocketsHttpHandler Handler(SidecarComponents through) => new()
    {
        UseProxy = false,
        UseCookies = false,
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(through.OutboundAddress, cancellation);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        },
        RequestHeaderEncodingSelector = (_, _) => System.Text.Encoding.Latin1,
        ResponseHeaderEncodingSelector = (_, _) => System.Text.Encoding.Latin1,
    };

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars.ToList())
        {
            await EndAsync(sidecar);
        }

        await ControlPlane.DisposeAsync();
        _directory.Dispose();
    }
}
