using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using MeshLite.ControlPlane.Identity;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// A control plane that says what the test tells it to, over the real stream with the real identities: the test
/// sets destinations and endpoints, every stream gets them. Thread-safe.
/// </summary>
internal sealed class FakeControlPlane : IAsyncDisposable
{
    private readonly WebApplication _host;
    private readonly IdentityModule _identity;
    private readonly ConcurrentDictionary<string, Resource> _resources = new();
    private readonly ConcurrentDictionary<Channel<Resource>, HashSet<string>> _streams = new();
    private readonly ConcurrentDictionary<Channel<Resource>, (SpiffeId Id, Hello Hello)> _greeted = new();
    private readonly ConcurrentQueue<SidecarMessage> _received = new();

    private FakeControlPlane(string dataDir, int port)
    {
        DataDir = dataDir;
        _identity = IdentityModule.Create(new IdentityOptions { DataDirectory = dataDir, ListenAddresses = [IPAddress.Loopback] }, TimeProvider.System, NullLoggerFactory.Instance);
        var grpc = new GrpcServer(new GrpcServerOptions(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        _identity.MapTo(grpc);
        grpc.AddDuplex(MeshMethods.ConfigurationStream, ServeAsync);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            GrpcServer.Configure(kestrel.Limits);
            kestrel.Listen(IPAddress.Loopback, port, _identity.ConfigureHttps);
        });
        _host = builder.Build();
        _host.Run(grpc.HandleAsync);
    }

    /// <summary>Where CA and join-token key are.</summary>
    public string DataDir { get; }

    /// <summary>Where sidecars connect.</summary>
    public Uri Address { get; private set; } = null!;

    /// <summary>Whether plaintext is accepted inbound.</summary>
    public MeshLite.Model.MtlsMode Mtls { get; set; }

    /// <summary>Of every workload that says Hello from now on.</summary>
    public System.Collections.Immutable.ImmutableArray<int> OpaquePorts { get; set; } = [];

    /// <summary>Which requests sidecars write a line about.</summary>
    public MeshLite.Model.AccessLogMode AccessLog { get; set; } = MeshLite.Model.AccessLogMode.Off;

    /// <summary>Where spans go; <see cref="PublishMesh"/> tells sidecars that are connected already.</summary>
    public MeshLite.Model.TracingConfig Tracing { get; set; } = new();

    /// <summary>Who may call whatever serves something; <see cref="PublishWorkloads"/> tells sidecars that are connected already.</summary>
    public System.Collections.Immutable.ImmutableArray<AuthorizationPolicyConfig> Authorization { get; set; } = [];

    /// <summary>Which calls may leave the mesh; <see cref="PublishMesh"/> tells sidecars that are connected already.</summary>
    public EgressConfig Egress { get; set; } = new();

    /// <summary>Believed instead of the authority that signs; <see cref="PublishMesh"/> tells sidecars that are connected already.</summary>
    public TrustBundle? TrustBundle { get; set; }

    /// <summary>Changes what sidecars are told of their own workload, when they connect.</summary>
    public Func<WorkloadConfig, WorkloadConfig> Workload { get; set; } = workload => workload;

    /// <summary>Whether subscriptions nobody set are answered, with "unknown", rather than never.</summary>
    public bool AnswersUnknown { get; set; }

    /// <summary>Whether each stream is ended with an error.</summary>
    public bool RefuseStreams { get; set; }

    /// <summary>Everything sidecars said.</summary>
    public IReadOnlyCollection<SidecarMessage> Received => _received;

    /// <summary>Starts one; <paramref name="port"/> 0 picks a free one.</summary>
    public static async Task<FakeControlPlane> StartAsync(string dataDir, int port = 0)
    {
        var plane = new FakeControlPlane(dataDir, port);
        await plane._host.StartAsync();
        plane.Address = new Uri(plane._host.Urls.Single());
        return plane;
    }

    /// <summary>A token for a workload.</summary>
    public string CreateToken(string ns, string serviceAccount, TimeSpan? lifetime = null)
    {
        using var key = JoinTokenKey.LoadOrCreate(DataDir);
        return JoinToken.Create(key, ns, serviceAccount, lifetime ?? TimeSpan.FromHours(1), TimeProvider.System);
    }

    /// <summary>Answers, and keeps answering, a subscription. Returns the version.</summary>
    public string Set(DestinationConfig destination)
    {
        var body = MeshMapper.ToProto(destination);
        return Publish(new Resource { Key = ResourceKeys.Destination(destination.Authority), Version = ContentHash.Of(body), Destination = body });
    }

    /// <summary>Sets a service's endpoints. Returns the version.</summary>
    public string Set(EndpointSetConfig endpoints)
    {
        var body = MeshMapper.ToProto(endpoints);
        return Publish(new Resource { Key = ResourceKeys.Endpoints(endpoints.Service), Version = ContentHash.Of(body), Endpoints = body });
    }

    /// <summary>Sends the mesh's settings as they are now to every sidecar.</summary>
    public string PublishMesh() => Publish(Mesh());

    /// <summary>Tells every sidecar of its own workload as it is now. Returns the versions.</summary>
    public List<string> PublishWorkloads() => [.. _greeted.Select(greeted =>
    {
        var resource = WorkloadOf(greeted.Value.Id, greeted.Value.Hello);
        greeted.Key.Writer.TryWrite(resource);
        return resource.Version;
    })];

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _identity.Dispose();
    }

    private string Publish(Resource resource)
    {
        _resources[resource.Key] = resource;
        foreach (var (stream, wanted) in _streams)
        {
            if (Wants(wanted, resource))
            {
                stream.Writer.TryWrite(resource);
            }
        }

        return resource.Version;
    }

    private static bool Wants(HashSet<string> wanted, Resource resource)
    {
        lock (wanted)
        {
            return resource.Destination is null || wanted.Contains(resource.Key);
        }
    }

    private async Task ServeAsync(GrpcStreamReader<SidecarMessage> reader, GrpcStreamWriter<ControlPlaneMessage> writer, GrpcServerCall call)
    {
        var caller = _identity.CallerOf(call.HttpContext) ?? throw new GrpcException(GrpcStatusCode.Unauthenticated, "no SVID");
        if (RefuseStreams)
        {
            throw new GrpcException(GrpcStatusCode.Unavailable, "streams are refused");
        }

        var queue = Channel.CreateUnbounded<Resource>();
        var wanted = new HashSet<string>();
        _streams[queue] = wanted;
        var writing = WriteAsync(queue.Reader, writer, call.CancellationToken);
        try
        {
            await foreach (var message in reader.ReadAllAsync())
            {
                _received.Enqueue(message);
                if (message.Hello is { } hello)
                {
                    Greet(queue, caller.Id, hello);
                    Subscribe(queue, wanted, hello.Authorities);
                }
                else if (message.Subscribe is { } subscribe)
                {
                    Subscribe(queue, wanted, subscribe.Authorities);
                }
            }
        }
        finally
        {
            _streams.TryRemove(queue, out _);
            _greeted.TryRemove(queue, out _);
            queue.Writer.TryComplete();
            await writing;
        }
    }

    private void Greet(Channel<Resource> queue, SpiffeId id, Hello hello)
    {
        _greeted[queue] = (id, hello);
        queue.Writer.TryWrite(Mesh());
        queue.Writer.TryWrite(WorkloadOf(id, hello));
        foreach (var resource in _resources.Values.Where(resource => resource.Endpoints is not null))
        {
            queue.Writer.TryWrite(resource);
        }
    }

    private Resource WorkloadOf(SpiffeId id, Hello hello)
    {
        var workload = MeshMapper.ToProto(Workload(new WorkloadConfig
        {
            Identity = id,
            Mtls = Mtls,
            OpaquePorts = OpaquePorts,
            Authorization = hello.Service.Length > 0 ? Authorization : [],
            Service = hello.Service.Length > 0 ? new MeshLite.Model.ServiceRef(id.Namespace, hello.Service, 80) : null,
            Workload = hello.Workload,
            Version = hello.Labels.GetValueOrDefault("version", ""),
        }));
        return new Resource { Key = ResourceKeys.Workload, Version = ContentHash.Of(workload), Workload = workload };
    }

    private Resource Mesh()
    {
        var mesh = MeshMapper.ToProto(new MeshSettingsConfig { TrustBundle = (TrustBundle ?? _identity.TrustBundle).Der, AccessLog = AccessLog, Tracing = Tracing, Egress = Egress });
        return new Resource { Key = ResourceKeys.Mesh, Version = ContentHash.Of(mesh), Mesh = mesh };
    }

    private void Subscribe(Channel<Resource> queue, HashSet<string> wanted, IEnumerable<string> authorities)
    {
        foreach (var authority in authorities)
        {
            var key = ResourceKeys.Destination(authority);
            lock (wanted)
            {
                wanted.Add(key);
            }

            if (_resources.TryGetValue(key, out var resource))
            {
                queue.Writer.TryWrite(resource);
            }
            else if (AnswersUnknown)
            {
                var body = MeshMapper.ToProto(new DestinationConfig { Authority = authority, Kind = MeshLite.Model.DestinationKind.Unknown });
                queue.Writer.TryWrite(new Resource { Key = key, Version = ContentHash.Of(body), Destination = body });
            }
        }
    }

    private static async Task WriteAsync(ChannelReader<Resource> queue, GrpcStreamWriter<ControlPlaneMessage> writer, CancellationToken cancellationToken)
    {
        try
        {
            var nonce = 0ul;
            await foreach (var resource in queue.ReadAllAsync(cancellationToken))
            {
                await writer.WriteAsync(new ControlPlaneMessage { Update = new Update { Nonce = ++nonce, Resources = { resource } } });
            }
        }
        catch (Exception e) when (e is OperationCanceledException or GrpcException or IOException)
        {
            // The sidecar is gone.
        }
    }
}
