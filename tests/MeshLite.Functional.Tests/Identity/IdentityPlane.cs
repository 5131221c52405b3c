using System.Net;
using MeshLite.ControlPlane.Identity;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Identity;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using SidecarIdentityOptions = MeshLite.Sidecar.Identity.IdentityOptions;

namespace MeshLite.Functional.Tests.Identity;

/// <summary>The control plane's identity service as it is, on manual time, and workloads that use it as they do.</summary>
internal sealed class IdentityPlane : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _loops = [];
    private readonly TestDirectory _directory = new();
    private WebApplication? _host;
    private IdentityModule? _module;
    private int _port;
    private int _inFlight;

    public ManualTimeProvider Time { get; } = new();

    public IdentityModule Module => _module!;

    public string DataDirectory => _directory["data"];

    public string CaFile => Path.Combine(DataDirectory, "ca.pem");

    public Uri Address => new($"https://127.0.0.1:{_port}");

    public string this[string name] => _directory[name];

    /// <summary>Starts, or starts again at the same port.</summary>
    public async Task StartAsync()
    {
        _module = IdentityModule.Create(
            new() { DataDirectory = DataDirectory, ListenAddresses = [IPAddress.Loopback] }, Time, NullLoggerFactory.Instance);
        var grpc = new GrpcServer(new GrpcServerOptions(), Time, NullLogger<GrpcServer>.Instance);
        _module.MapTo(grpc);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, _port, Module.ConfigureHttps));
        _host = builder.Build();
        _host.Run(grpc.HandleAsync);
        await _host.StartAsync();
        _port = new Uri(_host.Urls.Single()).Port;
    }

    /// <summary>Stops at once.</summary>
    public async Task StopAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _host!.StopAsync(now.Token);
        await _host.DisposeAsync();
        Module.Dispose();
    }

    /// <summary>Writes a token file, and returns its path.</summary>
    public string Token(string ns, string serviceAccount, TimeSpan? lifetime = null)
    {
        using var key = JoinTokenKey.LoadOrCreate(DataDirectory);
        var path = _directory[$"{serviceAccount}.token"];
        File.WriteAllText(path, JoinToken.Create(key, ns, serviceAccount, lifetime ?? TimeSpan.FromDays(30), Time));
        return path;
    }

    /// <summary>A workload; runs until this is disposed.</summary>
    public WorkloadIdentity Workload(string? tokenFile, string? stateDirectory = null, string? caFile = null)
    {
        var identity = new WorkloadIdentity(
            new SidecarIdentityOptions { TokenFile = tokenFile, StateDirectory = stateDirectory },
            new Observed(this, new ControlPlaneClient(Address, caFile ?? CaFile, Time)), Time, new Random(_loops.Count), NullLogger<WorkloadIdentity>.Instance);
        _loops.Add(identity.RunAsync(_stop.Token));
        return identity;
    }

    /// <summary>Moves time forward in small steps, each when every workload sleeps, until something holds.</summary>
    public async Task AdvanceUntilAsync(Func<bool> condition, string what, TimeSpan step)
    {
        var most = TimeSpan.FromDays(30) / step;
        for (var steps = 0; !condition(); steps++)
        {
            steps.ShouldBeLessThan((int)most, $"not within 30 days: {what}");
            await Eventually.TrueAsync(() => condition() || AllSleep(), what);
            if (!condition())
            {
                Time.Advance(step);
            }
        }
    }

    // Calls are on real sockets: were time to move under them, their deadlines would pass.
    private bool AllSleep() => Volatile.Read(ref _inFlight) == 0 && Time.PendingTimers >= _loops.Count;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        await StopAsync();
        _stop.Dispose();
        _directory.Dispose();
    }

    /// <summary>Counts the calls under way.</summary>
    private sealed class Observed(IdentityPlane plane, ICertifier certifier) : ICertifier
    {
        public async Task<CertifyResponse> CertifyAsync(
            CertifyRequest request, string? token, WorkloadCertificate? show, TrustBundle? believe, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref plane._inFlight);
            try
            {
                return await certifier.CertifyAsync(request, token, show, believe, cancellationToken);
            }
            finally
            {
                Interlocked.Decrement(ref plane._inFlight);
            }
        }
    }
}
