using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Tests.Streaming;

/// <summary>
/// The client end of a stream: applies updates as a sidecar does, and checks with each what every update must keep to (nonces
/// count up, content matches its hash, deltas fit, endpoints come before the destinations that name them).
/// </summary>
internal sealed class TestSidecar(GrpcChannel channel) : IDisposable
{
    private readonly GrpcDuplexCall<SidecarMessage, ControlPlaneMessage> _call = channel.Duplex(MeshMethods.ConfigurationStream, new GrpcCallOptions(), TestContext.Current.CancellationToken);
    private ulong _nonce;

    public Dictionary<string, Resource> Resources { get; } = new(StringComparer.Ordinal);

    public Inventory? Inventory { get; private set; }

    public StatsRequest? StatsRequest { get; private set; }

    public int Deltas { get; private set; }

    public ValueTask SendAsync(SidecarMessage message) => _call.WriteAsync(message, TestContext.Current.CancellationToken);

    public ValueTask SubscribeAsync(params string[] authorities) => SendAsync(new SidecarMessage { Subscribe = new Subscribe { Authorities = { authorities } } });

    public ValueTask UnsubscribeAsync(params string[] authorities) => SendAsync(new SidecarMessage { Unsubscribe = new Unsubscribe { Authorities = { authorities } } });

    /// <summary>Reads and applies one message; an Update is returned unacknowledged.</summary>
    public async Task<Update?> ReadAsync()
    {
        var message = await ReadMessageAsync();
        if (message.StatsRequest is { } request)
        {
            StatsRequest = request;
            message = await ReadMessageAsync();
        }

        if (message.Update is not { } update)
        {
            Inventory = message.Inventory;
            return null;
        }

        update.Nonce.ShouldBe(++_nonce);
        foreach (var resource in update.Resources)
        {
            Apply(resource);
        }

        return update;
    }

    public ValueTask AckAsync(Update update, params Rejection[] rejected) =>
        SendAsync(new SidecarMessage { Ack = new Ack { Nonce = update.Nonce, Rejected = { rejected } } });

    /// <summary>The next Update, acknowledged.</summary>
    public async Task<Update> NextAsync()
    {
        while (true)
        {
            if (await ReadAsync() is { } update)
            {
                await AckAsync(update);
                return update;
            }
        }
    }

    /// <summary>Takes Updates until the condition holds.</summary>
    public async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await NextAsync();
        }
    }

    public Destination? Destination(string authority) => Resources.GetValueOrDefault(ResourceKeys.Destination(authority))?.Destination;

    public string Endpoints(string service) =>
        Resources.TryGetValue($"endpoints/{service}", out var r) ? string.Join(' ', r.Endpoints.Endpoints_.Select(e => $"{e.Port}")) : "absent";

    public void Dispose() => _call.Dispose();

    private async Task<ControlPlaneMessage> ReadMessageAsync() =>
        await _call.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken)
        ?? throw new InvalidOperationException("the stream has ended");

    private void Apply(Resource resource)
    {
        switch (resource.BodyCase)
        {
            case Resource.BodyOneofCase.Absent:
                Resources.Remove(resource.Key).ShouldBeTrue($"{resource.Key} was not held");
                return;
            case Resource.BodyOneofCase.EndpointsDelta:
                var held = Resources[resource.Key];
                held.Version.ShouldBe(resource.EndpointsDelta.BaseVersion);
                Deltas++;
                resource = new Resource { Key = resource.Key, Version = resource.Version, Endpoints = EndpointDeltas.Apply(held.Endpoints, resource.EndpointsDelta) };
                break;
            case Resource.BodyOneofCase.Destination:
                foreach (var backend in resource.Destination.Backends.Where(b => !b.Missing))
                {
                    Resources.ShouldContainKey($"endpoints/{backend.Service.Namespace}/{backend.Service.Name}:{backend.Service.Port}");
                }

                break;
        }

        ContentHash.Of(resource).ShouldBe(resource.Version);
        Resources[resource.Key] = resource;
    }
}
