using System.Net;
using MeshLite.Hosting;
using MeshLite.Metrics;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Admin;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Capture;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Probes;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.Fault;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar;

/// <summary>
/// The composition root: makes every part of the sidecar, in the order in which they depend on one another, and
/// ends them in the reverse order. Read it to see who is given what. One per process, used by <see cref="SidecarStartup"/>.
/// </summary>
internal sealed class SidecarComponents : IAsyncDisposable
{
    /// <value>As many as a control plane takes. 8.</value>
    private const int MaxFurtherAddresses = 8;

    private static readonly TimeSpan SweepInterval = TimeSpan.FromMinutes(1);

    private readonly SidecarOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly IHost _host;
    private readonly MetricRegistry _metrics;
    private readonly RequestMetrics _requestMetrics;
    private readonly AccessLog _accessLog;
    private readonly SpanQueue _spans;
    private readonly LocalApplication _application;
    private readonly Passthrough _passthrough;
    private readonly ProvenConnections _proven;
    private readonly MeshState _mesh;
    private readonly Outbox _outbox;
    private readonly StatsReporter _stats;
    private readonly OutboundConnections _outboundConnections;
    private readonly InboundConnections _inboundConnections;
    private readonly Prober _prober;
    private readonly ApplicationMetrics? _appMetrics;
    private readonly List<Task> _loops = [];
    private volatile WorkloadCertificate? _streamIdentity;
    private readonly RefusalCounter _refusals;
    private readonly List<PortListener> _outbound = [];
    private readonly List<PortListener> _inbound = [];

    private SidecarComponents(SidecarOptions options, LogLevels levels, TimeProvider time, Stream accessLog)
    {
        _options = options;
        _time = time;
        var random = SharedRandom.Instance;

        // Configured at the end, when the parts it calls exist; built here for its services (forwarder, loggers).
        MeshServer? server = null;
        var listeners = new InProcessListenerFactory();
        var kestrelRefusals = new KestrelRefusals();
        _host = BuildHost(levels, time, listeners, kestrelRefusals, kestrel => server!.Configure(kestrel));
        Logs = _host.Services.GetRequiredService<ILoggerFactory>();
        Log = Logs.CreateLogger("MeshLite.Sidecar");

        // Telemetry
        _metrics = new MetricRegistry(time);
        _requestMetrics = new RequestMetrics(_metrics, time);
        _accessLog = new AccessLog(accessLog, _metrics, time);
        _spans = new SpanQueue((config, resource) => new OtlpExport(config, resource), () => _mesh?.Workload, _metrics, time, Logs.CreateLogger<SpanQueue>());
        var tracer = new Tracer(random, _spans);
        var connections = new ConnectionTracker();
        var handshakes = new HandshakeCounter(_metrics, Logs.CreateLogger<HandshakeCounter>());
        var refusals = new RefusalCounter(_metrics, Logs.CreateLogger<RefusalCounter>());
        _refusals = refusals;
        kestrelRefusals.Heard = refusals.Refused;

        // Identity
        var controlPlane = new ControlPlaneClient(options.ControlPlane, options.ControlPlaneCa, time);
        Identity = new WorkloadIdentity(
            new IdentityOptions { TokenFile = options.TokenFile, StateDirectory = options.StateDir, Namespace = options.Namespace },
            controlPlane, time, random, Logs.CreateLogger<WorkloadIdentity>());

        // Configuration
        _proven = new ProvenConnections(time, Logs.CreateLogger<ProvenConnections>());
        Identity.Changed += certificate => _proven.Apply(certificate.Bundle);
        var connector = new EndpointConnector(Identity, handshakes, _proven, time);
        _outbox = new Outbox();
        var attempts = new AttemptSettings(time, random, new RetryMetrics(_metrics));
        _mesh = new MeshState(_outbox, new EndpointFactory(connector, random, time, Logs.CreateLogger<ServiceState>()), attempts) { FirstAnswerTimeout = options.FirstAnswerTimeout };
        var inboundLimits = new InboundLimits(time);
        _mesh.WorkloadChanged += inboundLimits.Apply;
        _mesh.SettingsChanged += settings =>
        {
            _accessLog.Mode = settings.AccessLog;
            tracer.Configure(settings.Tracing);
            Identity.SetTrustBundle(TrustBundle.FromDer(settings.TrustBundle));
            Identity.SetSigningKey(settings.SigningKeyId);
        };
        var resources = new ResourceCache(_mesh);
        var configLog = Logs.CreateLogger<ConfigStream>();
        Stream = new ConfigStream(
            new ConfigStreamOptions(options.ControlPlane, Hello), () => Connect(controlPlane), resources,
            new LastGoodFile(options.StateDir, configLog), _outbox, time, random, configLog);
        Identity.Changed += ReconnectIfRenewed;

        // Request path
        var own = options.Transparent ? new OwnAddresses(time) : null;
        connector.Own = own;
        _application = new LocalApplication(DeclaredApplication(own), connector, attempts) { Own = own };
        var forwarding = new HttpForwarding(
            _host.Services.GetRequiredService<IHttpForwarder>(), new OutboundTransformer(_mesh), new InboundTransformer(), _application);
        _passthrough = new Passthrough(connector, forwarding, time);
        var plaintext = new PlaintextCallers(_metrics, time);
        _stats = new StatsReporter(plaintext, _outbox.Send, time);
        Stream.StatsAsked += _stats.Asked;
        var flows = new OpenFlows(Logs.CreateLogger<OpenFlows>());
        var authorization = new InboundAuthorization(_mesh, _application, flows, connections, _metrics, Logs.CreateLogger<InboundAuthorization>());
        _mesh.WorkloadChanged += authorization.Apply;
        var egress = new EgressRules(flows);
        _mesh.SettingsChanged += egress.Apply;
        var recorder = new RequestRecorder(_mesh, _requestMetrics, _accessLog, tracer, time);
        var tunnels = new TunnelService(
            new TunnelConnector(_mesh, connector, _passthrough, egress), _application, new TcpTunnel(time), connections, new TcpMetrics(_metrics, _mesh), refusals, authorization, flows, time);

        // Operators
        Draining = new Draining(connections, _outbox, Readiness, time, Logs.CreateLogger<Draining>());
        var admin = new AdminEndpoint(_mesh, resources, Stream, Identity, connections, plaintext, Draining, levels, time);
        _appMetrics = options.AppMetrics is { } source ? new ApplicationMetrics(source, () => ApplicationAddress(own), _metrics, time) : null;
        _prober = new Prober(() => ApplicationAddress(own), time);
        var probes = new ProbeEndpoint(options.Probes, _prober);
        var metricsAndHealth = new TelemetryEndpoint(Readiness, context => MetricsPage.WriteAsync(context, _metrics, _appMetrics));
        ResilienceGauges.Register(_metrics, _mesh, inboundLimits);
        SidecarMetrics.Register(_metrics, Identity, Stream, _mesh, connections, time);

        // Listeners
        Server = server = new MeshServer(
            new MeshServerOptions(options.Admin, options.Telemetry), listeners, Identity, handshakes, _proven, connections, refusals, time,
            _host.Services.GetRequiredService<IMemoryPoolFactory<byte>>().Create(new MemoryPoolOptions { Owner = "sidecar" }), tunnels.ServePeerAsync);
        var peek = new ProtocolPeek(time);
        _outboundConnections = new OutboundConnections(Server, tunnels, new CapturedConnections(Server, tunnels, _mesh, egress, peek, refusals), peek, refusals);
        _inboundConnections = new InboundConnections(Server, tunnels, _application, _mesh, options.OpaquePorts, peek, plaintext, refusals);
        Application = new MeshApplication(
            new OutboundPipeline(_mesh, connections, forwarding, _passthrough, egress, new FaultInjector(random, time), recorder),
            new InboundPipeline(authorization, connections, inboundLimits, forwarding, recorder),
            admin.HandleAsync, context => ProbeEndpoint.Serves(context.Request) ? probes.HandleAsync(context) : metricsAndHealth.HandleAsync(context), new StreamResets(refusals), attempts, time, Logs.CreateLogger<MeshApplication>());
    }

    /// <summary>What serves every request.</summary>
    public MeshApplication Application { get; }

    /// <summary>Graceful end.</summary>
    public Draining Draining { get; }

    /// <summary>Key, certificate, trust bundle.</summary>
    public WorkloadIdentity Identity { get; }

    /// <summary>Where peers connect, once bound.</summary>
    public IPEndPoint InboundAddress => _inbound[0].Address;

    /// <summary>Kestrel.</summary>
    public IServer Kestrel => _host.Services.GetRequiredService<IServer>();

    /// <summary>Kestrel's options; it reads them as it starts.</summary>
    public KestrelServerOptions KestrelOptions => _host.Services.GetRequiredService<IOptions<KestrelServerOptions>>().Value;

    /// <summary>Of the process as a whole.</summary>
    public ILogger Log { get; }

    /// <summary>Makes loggers.</summary>
    public ILoggerFactory Logs { get; }

    /// <summary>Where the application connects, once bound.</summary>
    public IPEndPoint OutboundAddress => _outbound[0].Address;

    /// <summary>The answer of <c>/ready</c>.</summary>
    public Readiness Readiness { get; } = new();

    /// <summary>The listeners behind Kestrel.</summary>
    public MeshServer Server { get; }

    /// <summary>The configuration stream.</summary>
    public ConfigStream Stream { get; }

    /// <summary>Makes everything; starts nothing. <paramref name="accessLog"/>: where its lines go, by default standard output.</summary>
    public static SidecarComponents Create(SidecarOptions options, LogLevels levels, TimeProvider time, Stream? accessLog = null)
    {
        try
        {
            SecretFile.CreateDirectory(options.StateDir);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw StartupException.WrongOption("--state-dir", e.Message);
        }

        return new SidecarComponents(options, levels, time, accessLog ?? Console.OpenStandardOutput());
    }

    /// <summary>Binds the proxy's ports without accepting.</summary>
    public void Bind()
    {
        Bind(_outbound, "outbound", _options.Outbound, _outboundConnections.HandleAsync);
        Bind(_inbound, "inbound", _options.Inbound, _inboundConnections.HandleAsync);
        _passthrough.OwnPorts = _application.OwnPorts = [OutboundAddress.Port, InboundAddress.Port, Server.AdminAddress.Port, Server.TelemetryAddress.Port];
    }

    /// <summary>Starts getting a certificate, and renewing it. Needs no port, so it may go before all else.</summary>
    public void StartIdentity() => _loops.Add(Task.Run(() => Identity.RunAsync(_stop.Token)));

    /// <summary>Starts configuration, health checks and sweeping; after <see cref="Bind()"/>, for the stream says which ports there are.</summary>
    public void StartLoops()
    {
        Stream.Restore();
        _loops.Add(RunStreamAsync());
        _loops.Add(SweepAsync());
        _loops.Add(_stats.RunAsync(_stop.Token));
        _loops.Add(EndConnectionsAsync());
        if (_application.Declared is not null)
        {
            var health = new ApplicationHealth(
                _application, _options.HealthPath, ready => _outbox.ReportHealth(ready, draining: false), _time, Logs.CreateLogger<ApplicationHealth>());
            _loops.Add(health.RunAsync(_stop.Token));
        }
    }

    /// <summary>Starts accepting on the proxy's ports.</summary>
    public void Accept()
    {
        foreach (var listener in _outbound.Concat(_inbound))
        {
            listener.Start();
        }
    }

    /// <summary>Closes the proxy's ports: who connects from now on is refused, and knows that nothing was delivered.</summary>
    public async Task RefuseAsync()
    {
        foreach (var listener in _outbound.Concat(_inbound))
        {
            await listener.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await RefuseAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _accessLog.DisposeAsync();
        await _spans.DisposeAsync();
        _host.Dispose();
        _passthrough.Dispose();
        _prober.Dispose();
        _appMetrics?.Dispose();
        _application.Dispose();
        _requestMetrics.Dispose();
        _metrics.Dispose();
        _stop.Dispose();
    }

    private static IHost BuildHost(
        LogLevels levels, TimeProvider time, InProcessListenerFactory listeners, KestrelRefusals refusals, Action<KestrelServerOptions> configure)
    {
        // Never started as a host: MeshServer starts its Kestrel with an application of our own.
        return new HostBuilder()
            .ConfigureLogging(logging => refusals.AddTo(logging.UseJsonLines(levels, time)))
            .ConfigureWebHost(web => web.UseKestrelCore())
            .ConfigureServices(services => services
                .AddSingleton<IConnectionListenerFactory>(listeners)
                .Configure(configure)
                .AddHttpForwarder())
            .Build();
    }

    // What is captured arrives at the same port of either family: rules lead IPv6 to an IPv6 address.
    private void Bind(List<PortListener> listeners, string name, IPEndPoint address, AcceptedHandler handle)
    {
        var log = Logs.CreateLogger<PortListener>();
        var options = new PortListenerOptions
        {
            Name = name,
            Address = address,
            Transparent = _options.Transparent,
            MaxConnections = (int)(KestrelOptions.Limits.MaxConcurrentConnections ?? MeshServerLimits.MaxConnections),
            Refuse = socket => _refusals.Reset(socket, name, KestrelRefusals.TooMany, RefusalCounter.TooManyDetail),
        };
        listeners.Add(PortListener.Bind(options, handle, _time, log));
        if (_options.Transparent && Ipv6Twin(address.Address) is { } twin && Ipv6Addresses.Look() != Ipv6.Absent)
        {
            listeners.Add(PortListener.Bind(options with { Address = new IPEndPoint(twin, listeners[0].Address.Port) }, handle, _time, log));
        }
    }

    private static IPAddress? Ipv6Twin(IPAddress address) =>
        address.Equals(IPAddress.Loopback) ? IPAddress.IPv6Loopback : address.Equals(IPAddress.Any) ? IPAddress.IPv6Any : null;

    // Captured connections find the application where their callers meant it: on the pod's address, so it is asked for its health there.
    private IPEndPoint? DeclaredApplication(OwnAddresses? own) => _options.AppPort is { } port
        ? new IPEndPoint(ApplicationAddress(own), port)
        : null;

    private IPAddress ApplicationAddress(OwnAddresses? own) =>
        own is null ? IPAddress.Loopback : _options.PodIp ?? _options.Advertise?.Address ?? own.First ?? IPAddress.Loopback;

    private async Task RunStreamAsync()
    {
        // Without a certificate there is nobody to be on the stream.
        await Identity.FirstCertificate.WaitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Stream.RunAsync(_stop.Token);
    }

    // The first certificate is what the stream is opened with; a new bundle alone changes nothing for it.
    private void ReconnectIfRenewed(WorkloadCertificate certificate)
    {
        if (_streamIdentity is { } shown && !ReferenceEquals(shown.Context, certificate.Context))
        {
            Stream.Reconnect();
        }
    }

    private GrpcConnection Connect(ControlPlaneClient controlPlane)
    {
        var own = Identity.Current;
        _streamIdentity = own;
        var connection = controlPlane.Open(own, own?.Bundle);
        return new GrpcConnection(connection.Channel, connection);
    }

    private async Task SweepAsync()
    {
        using var timer = new PeriodicTimer(SweepInterval, _time);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            _mesh.SweepIdle();
        }
    }

    private async Task EndConnectionsAsync()
    {
        using var timer = new PeriodicTimer(ProvenConnections.Interval, _time);
        while (await timer.WaitForNextTickAsync(_stop.Token))
        {
            _proven.Sweep();
        }
    }

    private Hello Hello()
    {
        var advertised = AdvertisedAddress.Choose(_options.Advertise ?? (_options.PodIp is { } pod ? new IPEndPoint(pod, InboundAddress.Port) : null), InboundAddress, _options.ControlPlane);
        var hello = new Hello
        {
            Workload = _options.Workload,
            Service = _options.Service,
            AdvertiseAddress = advertised.Address.ToString(),
            AdvertisePort = (uint)advertised.Port,
            AppPort = (uint)(_options.AppPort ?? 0),
            Transparent = _options.Transparent,
            SidecarVersion = typeof(SidecarComponents).Assembly.GetName().Version?.ToString(3) ?? "",
        };
        hello.Labels.Add(_options.Labels);
        if (_options.Transparent)
        {
            hello.FurtherAddresses.Add(_application.Own!.Callable().Where(address => !address.Equals(advertised.Address)).Take(MaxFurtherAddresses).Select(address => address.ToString()));
            hello.UncapturedPorts.Add((uint)Server.TelemetryAddress.Port);
            hello.UncapturedPorts.Add(_options.SkipInboundPorts.Select(port => (uint)port));
        }

        return hello;
    }
}
