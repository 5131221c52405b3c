using System.Net;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Listeners;
using MeshLite.ControlPlane.Operator;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Sources;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Hosting;
using MeshLite.Metrics;
using MeshLite.Protocol.Grpc;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane;

/// <summary>
/// A running control plane: puts the parts together, starts them in order, ends them together. Owned by Program, or by a test
/// that wants one in its own process.
/// </summary>
public sealed class ControlPlaneHost : IAsyncDisposable
{
    private const string GrpcListener = "grpc";
    private const string TelemetryListener = "telemetry";
    private const string WebhookListener = "webhook";

    /// <summary>How long open streams and requests are given at the end. <value>5 s.</value></summary>
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(5);

    private readonly WebApplication _app;
    private readonly ILoggerFactory _loggers;
    private readonly ListenerSet _listeners;
    private readonly MetricRegistry _registry;
    private readonly ISources _sources;
    private readonly CancellationTokenSource _stop = new();
    private readonly MeshIndex _index;
    private readonly Publisher _publisher;
    private readonly ExpiryWatch _expiry;
    private readonly ILogger<ControlPlaneHost> _logger;
    private readonly ProblemReporter _problems;
    private readonly TaskCompletionSource _blocked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _loops = [];
    private volatile bool _failed;

    private ControlPlaneHost(
        ControlPlaneOptions options, ISources sources, MeshIndex index, Publisher publisher, SidecarCensus census,
        MetricRegistry registry, ControlPlaneMetrics metrics, KestrelRefusals refusals, TimeProvider time, ILoggerFactory loggers)
    {
        (_sources, _index, _publisher, _registry, _loggers) = (sources, index, publisher, registry, loggers);
        var identity = sources.Identity;
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Services.AddSingleton(loggers);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        builder.WebHost.UseKestrelHttpsConfiguration();
        // A message of one stream costs less than the hops between the threads of a pool; nothing here blocks the one that reads its socket.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        _listeners = new ListenerSet();
        var ports = new ControlPlaneListeners(options.Ports, identity, metrics, refusals, registry, time, loggers.CreateLogger<ControlPlaneListeners>());
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            GrpcServer.Configure(kestrel.Limits);
            ControlPlaneListeners.Configure(kestrel.Limits);
            _listeners.Add(kestrel, GrpcListener, options.Grpc, ports.ConfigureGrpc);
            _listeners.Add(kestrel, TelemetryListener, options.Telemetry, ports.ConfigureTelemetry);
            if (sources.Webhooks is not null)
            {
                _listeners.Add(kestrel, WebhookListener, options.Webhook, ports.ConfigureWebhook);
            }
        });
        _app = builder.Build();
        _logger = loggers.CreateLogger<ControlPlaneHost>();
        _problems = new ProblemReporter(loggers.CreateLogger<ProblemReporter>());

        // Whatever is in force by then is the first thing that is known.
        identity.AuthorityChanged += () => index.Post(new AuthorityChange(identity.Authority.Announced, time.GetTimestamp()));
        index.Post(new AuthorityChange(identity.Authority.Announced, time.GetTimestamp()));
        var connected = new ConnectedSidecars();
        var service = new ConfigurationService(
            identity.CallerOf, _index.WhenSynced, _publisher, sources, census, connected,
            time, metrics, loggers.CreateLogger<ConfigurationService>(), _stop.Token);
        var grpc = new GrpcServer(new GrpcServerOptions { MaxReceiveMessageBytes = StreamLimits.MaxMessageBytes }, time, loggers.CreateLogger<GrpcServer>());
        identity.MapTo(grpc);
        service.MapTo(grpc);
        sources.MapTo(grpc, _stop.Token);
        var gate = new OperatorGate(grpc, identity.IsOperator, metrics, loggers.CreateLogger<OperatorGate>());
        new OperatorService(new ReplicaReporter(sources.ReplicaId, connected, () => sources.Refused, _index, identity, time), sources.Replicas, _index.WhenSynced)
            .MapTo(grpc, gate, identity.IsReplica);
        new AuthorityOperations(sources.Authority, time).MapTo(gate);
        var telemetry = new TelemetryEndpoint(Readiness, WriteMetricsAsync);
        _app.Run(request => ControlPlaneListeners.ServeAsync(request, context => ListenerSet.NameOf(context) switch
        {
            GrpcListener => HandleGrpcAsync(grpc, context),
            WebhookListener => sources.Webhooks!.HandleAsync(context),
            _ => telemetry.HandleAsync(context),
        }));
        _expiry = new ExpiryWatch(identity, time, loggers.CreateLogger<ExpiryWatch>());
        _expiry.Register(_registry);
        ControlPlaneGauges.Register(_registry, _index, _publisher, sources.Workloads, identity, sources.Authority, grpc.Failures);
    }

    /// <summary>Whether it answers sidecars, and if not, why.</summary>
    public Readiness Readiness { get; } = new("reading the configuration");

    /// <summary>Where sidecars connect.</summary>
    public IPEndPoint GrpcEndPoint => _listeners.AddressOf(GrpcListener);

    /// <summary>Where the API server calls webhooks, in a cluster.</summary>
    public IPEndPoint WebhookEndPoint => _listeners.AddressOf(WebhookListener);

    /// <summary>Where metrics are.</summary>
    public IPEndPoint TelemetryEndPoint => _listeners.AddressOf(TelemetryListener);

    /// <summary>Completes when the configuration has been read and sidecars are answered.</summary>
    public Task WhenReady => _index.WhenSynced;

    /// <summary>What is known now.</summary>
    internal IndexView View => _index.View;

    /// <summary>Keeps the authority.</summary>
    internal AuthorityKeeper Authority => _sources.Authority;

    /// <summary>The process was told to stop.</summary>
    public CancellationToken Stopping => _app.Lifetime.ApplicationStopping;

    /// <summary>
    /// Starts:
    /// <list type="number">
    /// <item>identity: Kestrel needs it while it is built; the sources have it</item>
    /// <item>the loops: index, and those of the sources</item>
    /// <item>the listeners, once the configuration has been read; or at once if it cannot be, so that one can see why</item>
    /// </list>
    /// </summary>
    public static async Task<ControlPlaneHost> StartAsync(ControlPlaneOptions options, TimeProvider time, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        // Step 1
        var refusals = new KestrelRefusals();
        var loggers = LoggerFactory.Create(builder =>
        {
            logging(builder);
            refusals.AddTo(builder);
        });
        var host = await CreateAsync(options, refusals, time, loggers, cancellationToken);
        try
        {
            // Step 2
            host._app.Lifetime.ApplicationStopping.Register(host._stop.Cancel);
            IEnumerable<Func<Task>> loops = [() => host._index.RunAsync(host.Publish, host._stop.Token), () => host._expiry.RunAsync(host._stop.Token), .. host._sources.Start(host.Block, host._stop.Token)];
            host._loops.AddRange(loops.Select(loop => host.SuperviseAsync(Task.Run(loop, CancellationToken.None))));

            // Step 3
            await Task.WhenAny(host.WhenReady, host._blocked.Task, Task.WhenAll(host._loops)).WaitAsync(cancellationToken);
            await host._app.StartAsync(cancellationToken);
            return host;
        }
        catch (IOException problem) when (problem.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
        {
            await host.DisposeAsync();
            throw new StartupException(problem.Message, inner: problem);
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    private static async Task<ControlPlaneHost> CreateAsync(ControlPlaneOptions options, KestrelRefusals refusals, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var registry = new MetricRegistry(time);
        try
        {
            var (index, publisher, metrics) = (new MeshIndex(), new Publisher(), new ControlPlaneMetrics(registry));
            var census = new SidecarCensus(publisher);
            ISources sources = options.Cluster is null
                ? new StandaloneSources(options, index, census, time, metrics, loggers)
                : await ClusterSources.CreateAsync(options, index, publisher, census, time, metrics, loggers, cancellationToken);
            return new ControlPlaneHost(options, sources, index, publisher, census, registry, metrics, refusals, time, loggers);
        }
        catch
        {
            registry.Dispose();
            loggers.Dispose();
            throw;
        }
    }

    /// <summary>Announces the listeners on standard output.</summary>
    public void Announce() => _listeners.Announce();

    /// <summary>Says in the log that sidecars are answered.</summary>
    internal void LogReady() => ControlPlaneLog.Ready(_logger, GrpcEndPoint.ToString(), TelemetryEndPoint.ToString());

    /// <summary>As SIGTERM does.</summary>
    public void RequestStop() => _app.Lifetime.StopApplication();

    /// <summary>Until it was told to stop and has ended; the process's exit code.</summary>
    public async Task<int> WaitAsync()
    {
        await _app.WaitForShutdownAsync();
        await Task.WhenAll(_loops);
        return _failed ? 1 : 0;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _app.DisposeAsync();
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _sources.Dispose();
        _registry.Dispose();
        _loggers.Dispose();
    }

    private void Publish(IndexUpdate update)
    {
        if (!update.View.IsSynced)
        {
            return;
        }

        if (update.Touched.Contains(IndexKey.Mesh))
        {
            _sources.Identity.Apply(new IdentitySettings { TrustDomain = update.View.TrustDomain, CertificateLifetime = update.View.Mesh.CertificateLifetime });
            Readiness.SetReady();
        }

        _publisher.Apply(update);
        _problems.Report(update);
    }

    private void Block(string reason)
    {
        Readiness.SetUnready(reason);
        _blocked.TrySetResult();
    }

    // Before the sync nobody knows which trust domain to sign for, nor what to send.
    private async Task HandleGrpcAsync(GrpcServer grpc, HttpContext context)
    {
        await _index.WhenSynced.WaitAsync(context.RequestAborted);
        await grpc.HandleAsync(context);
    }

    private async Task WriteMetricsAsync(HttpContext context)
    {
        var format = ExpositionFormats.Negotiate(context.Request.Headers.Accept.ToString());
        context.Response.ContentType = format.ContentType();
        await _registry.WriteAsync(context.Response.BodyWriter, format, context.RequestAborted);
    }

    private async Task SuperviseAsync(Task loop)
    {
        try
        {
            await loop;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The end.
        }
        catch (Exception problem)
        {
            // A control plane that no longer follows its sources must not look alive: a supervisor starts it anew.
            _failed = true;
            ControlPlaneLog.LoopFailed(_logger, problem);
            _app.Lifetime.StopApplication();
        }
    }
}
