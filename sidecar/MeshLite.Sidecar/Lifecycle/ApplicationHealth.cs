using System.Net;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Lifecycle;

/// <summary>
/// Asks the application beside this sidecar whether it answers, and says so when that changes: in standalone it is
/// what puts the workload into rotation (design.md §5). One loop.
/// </summary>
internal sealed class ApplicationHealth(
    LocalApplication application, string? path, Action<bool> report, TimeProvider time, ILogger<ApplicationHealth> log)
{
    /// <value>Between checks while it answers. 1 s.</value>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <value>Between checks while it does not: a starting application should not wait for us. 100 ms.</value>
    private static readonly TimeSpan EagerInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    /// <value>Checks that must fail in a row before it counts as down: one lost check is no outage. 2.</value>
    private const int FailuresToUnready = 2;

    /// <summary>Whether it answered last.</summary>
    public bool Ready { get; private set; }

    /// <summary>Checks until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var problem = await CheckAsync(cancellationToken);
            failures = problem is null ? 0 : failures + 1;
            if (Ready ? failures >= FailuresToUnready : failures == 0)
            {
                Ready = !Ready;
                LifecycleLog.ApplicationHealth(log, Ready ? "ready" : "not ready", problem ?? "it answers");
                report(Ready);
            }

            await Task.Delay(Ready && failures == 0 ? Interval : EagerInterval, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Null, or why it does not answer.</summary>
    private async Task<string?> CheckAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            if (path is null)
            {
                await using var stream = await application.ConnectAsync(application.Declared!, either.Token);
                return null;
            }

            using var request = new HttpRequestMessage(HttpMethod.Get, $"{LocalApplication.PrefixOf(application.Declared!)}{path}") { Version = HttpVersion.Version11 };
            using var response = await application.Health.SendAsync(request, either.Token);
            return response.IsSuccessStatusCode ? null : $"{path} answers {(int)response.StatusCode}";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return e is OperationCanceledException ? "no answer within 1 s" : e.InnerException?.Message ?? e.Message;
        }
    }
}
