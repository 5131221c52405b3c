using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MeshLite.Bench.Scale.Cluster;
using MeshLite.Bench.Scale.Measure;
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
                var opened = fleet.Time.GetTimestamp();
                using var connection = await fleet.Dial.OpenAsync(certificate, stop);
                // Reads and writes have no token: one for each would cost more than they do.
                await using var closing = stop.UnsafeRegister(static connection => ((SidecarConnection)connection!).Close(), connection);
                await StreamAsync(connection, connecting, opened);
            }
            catch (Exception e) when (stop.IsCancellationRequested || e is IOException or SocketException or AuthenticationException or OperationCanceledException or ObjectDisposedException)
            {
                fleet.StreamEnded(this, stop.IsCancellationRequested ? null : e);
            }

            await Task.Delay(ReconnectAfter, fleet.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task StreamAsync(SidecarConnection connection, ConnectingPermit connecting, long opened)
    {
        var hello = new Hello { Workload = pod.Name, Ready = true, SidecarVersion = "bench", Transparent = true };
        hello.Authorities.AddRange(services.Select(SimulatedCluster.AuthorityOf));
        connection.Write(new SidecarMessage { Hello = hello });
        await connection.FlushAsync();
        var missing = services.Count;
        var changes = new List<Change>();
        while (true)
        {
            var message = await connection.ReadAsync();
            if (message.MessageCase != ControlPlaneMessage.MessageOneofCase.Update || isStuck)
            {
                connecting.Dispose();
                continue;
            }

            changes.Clear();
            var isFirst = missing > 0;
            missing -= Note(message.Update, changes);
            connection.Write(new SidecarMessage { Ack = new Ack { Nonce = message.Update.Nonce } });
            await connection.FlushAsync();
            if (isFirst && missing <= 0)
            {
                connecting.Dispose();
                fleet.Configured(fleet.Time.GetElapsedTime(opened), Interlocked.Exchange(ref _configuredIn, fleet.Round) != fleet.Round);
            }

            changes.ForEach(fleet.Tracker.Acknowledged);
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
                    foreach (var removed in resource.EndpointsDelta.Removed)
                    {
                        Find(removed, changes);
                    }

                    foreach (var endpoint in resource.EndpointsDelta.Upserted)
                    {
                        Find($"{endpoint.Address}:{endpoint.Port}", changes);
                    }

                    break;
                case Resource.BodyOneofCase.Destination:
                    destinations++;
                    Find(resource.Key, changes);
                    break;
                default:
                    break;
            }
        }

        return destinations;
    }

    private void Find(string what, List<Change> changes)
    {
        if (fleet.Tracker.Find(what) is { } change)
        {
            changes.Add(change);
        }
    }
}
