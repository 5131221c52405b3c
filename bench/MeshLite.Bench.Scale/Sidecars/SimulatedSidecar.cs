using System.Net.Security;
using MeshLite.Bench.Scale.Cluster;
using MeshLite.Bench.Scale.Measure;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>
/// One sidecar as the control plane sees it: connects, says Hello with its subscriptions, acknowledges what comes, comes back when
/// its stream ends. It applies nothing. Its loop is one task.
/// </summary>
internal sealed class SimulatedSidecar(SimulatedPod pod, SslStreamCertificateContext certificate, IReadOnlyList<int> services, bool isStuck, Fleet fleet)
{
    private static readonly TimeSpan ReconnectAfter = TimeSpan.FromSeconds(1);

    private CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    // The round of connects in which it was counted.
    private int _configuredIn;

    /// <summary>Numbers of the Services it calls.</summary>
    public IReadOnlyList<int> Services => services;

    /// <summary>It never acknowledges anything.</summary>
    public bool IsStuck => isStuck;

    public SimulatedPod Pod => pod;

    /// <summary>Connects, and stays connected.</summary>
    public void Start()
    {
        _stop = new CancellationTokenSource();
        _loop = Task.Run(() => LoopAsync(_stop.Token));
    }

    /// <summary>Ends its stream.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task LoopAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var connecting = await ConnectingPermit.TakeAsync(fleet.Connecting, stop);
                var (channel, invoker) = fleet.Dial.Open(certificate);
                using (invoker)
                {
                    await StreamAsync(channel, connecting, stop);
                }
            }
            catch (Exception e) when (stop.IsCancellationRequested || e is GrpcException or HttpRequestException or IOException or OperationCanceledException)
            {
                fleet.StreamEnded(this, stop.IsCancellationRequested ? null : e);
            }

            await Task.Delay(ReconnectAfter, fleet.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StreamAsync(GrpcChannel channel, ConnectingPermit connecting, CancellationToken stop)
    {
        var opened = fleet.Time.GetTimestamp();
        using var call = channel.Duplex(MeshMethods.ConfigurationStream, null, stop);
        var hello = new Hello { Workload = pod.Name, Ready = true, SidecarVersion = "bench", Transparent = true };
        hello.Authorities.AddRange(services.Select(SimulatedCluster.AuthorityOf));
        await WriteAsync(call, new SidecarMessage { Hello = hello }, stop);
        var missing = services.Count;
        var changes = new List<Change>();
        while (await call.ReadAsync(stop) is { } message)
        {
            if (message.MessageCase != ControlPlaneMessage.MessageOneofCase.Update || isStuck)
            {
                connecting.Dispose();
                continue;
            }

            changes.Clear();
            var isFirst = missing > 0;
            missing -= Note(message.Update, changes);
            await WriteAsync(call, new SidecarMessage { Ack = new Ack { Nonce = message.Update.Nonce } }, stop);
            if (isFirst && missing <= 0)
            {
                connecting.Dispose();
                fleet.Configured(fleet.Time.GetElapsedTime(opened), Interlocked.Exchange(ref _configuredIn, fleet.Round) != fleet.Round);
            }

            changes.ForEach(fleet.Tracker.Acknowledged);
        }
    }

    // A call that the control plane has ended says why to who reads.
    private static async Task WriteAsync(GrpcDuplexCall<SidecarMessage, ControlPlaneMessage> call, SidecarMessage message, CancellationToken stop)
    {
        try
        {
            await call.WriteAsync(message, stop);
        }
        catch (GrpcException)
        {
            while (await call.ReadAsync(stop) is not null)
            {
                // What came before the end.
            }

            throw;
        }
    }

    // Collects what an update brings of the changes that are followed; how many destinations are in it.
    private int Note(Update update, List<Change> changes)
    {
        var destinations = 0;
        foreach (var resource in update.Resources)
        {
            switch (resource.BodyCase)
            {
                case Resource.BodyOneofCase.EndpointsDelta:
                    Find(resource.EndpointsDelta.Removed, changes);
                    Find(resource.EndpointsDelta.Upserted.Select(e => $"{e.Address}:{e.Port}"), changes);
                    break;
                case Resource.BodyOneofCase.Destination:
                    destinations++;
                    Find([resource.Key], changes);
                    break;
                default:
                    break;
            }
        }

        return destinations;
    }

    private void Find(IEnumerable<string> names, List<Change> changes) => changes.AddRange(names.Select(fleet.Tracker.Find).OfType<Change>());
}
