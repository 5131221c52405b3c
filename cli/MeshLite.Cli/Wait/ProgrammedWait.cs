using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Cli.Wait;

/// <summary>
/// Watches one object until all sidecars that use it have it. Each state is said once. What the API server refuses, or that there is no such object, ends it; that it is
/// away for a while does not.
/// </summary>
internal sealed class ProgrammedWait(KubernetesClient client, OwnKind kind, ObjectKey key, TextWriter output, TextWriter error, TimeProvider time)
{
    private static readonly TimeSpan WatchTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private string _last = "";

    private string Name => $"{kind.Kind} {key}";

    /// <summary>The exit code: 0 programmed, 1 not, whyever.</summary>
    public async Task<int> RunAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            while (true)
            {
                try
                {
                    if (await FollowAsync(ended.Token) is { } code)
                    {
                        return code;
                    }
                }
                catch (KubernetesException problem) when (problem.Reason is KubernetesReason.Forbidden or KubernetesReason.Unauthorized)
                {
                    return Fail(problem.Message);
                }
                catch (Exception problem) when (KubernetesException.IsServerFailure(problem))
                {
                    Say(problem is KubernetesException { Reason: KubernetesReason.Expired } ? _last : $"the API server does not answer: {problem.Message}");
                    await Task.Delay(RetryInterval, time, ended.Token);
                }
            }
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return Fail($"not programmed within {timeout.TotalSeconds:0.###} s: {(_last.Length > 0 ? _last : "the API server has not answered")}");
        }
    }

    /// <summary>The object as it is, and as it changes until the watch ends; null: not there yet.</summary>
    private async Task<int?> FollowAsync(CancellationToken cancellationToken)
    {
        if (await client.FindAsync(kind.Type, key, cancellationToken) is not { } item)
        {
            return Fail("there is no such object");
        }

        if (Judge(item) is { } code)
        {
            return code;
        }

        var selection = new Selection { Namespace = key.Namespace, FieldSelector = $"metadata.name={key.Name}" };
        await foreach (var change in client.WatchAsync(kind.Type, selection, item.Metadata.ResourceVersion!, WatchTimeout, cancellationToken))
        {
            if (change.Type == WatchEventType.Deleted)
            {
                return Fail("it was deleted");
            }

            if (change.Object is { } changed && Judge(changed) is { } changedCode)
            {
                return changedCode;
            }
        }

        return null;
    }

    private int? Judge(RawObject item)
    {
        var progress = Progress.Of(item);
        if (progress.IsHopeless)
        {
            return Fail(progress.Line);
        }

        Say(progress.Line);
        return progress.IsProgrammed ? 0 : null;
    }

    private void Say(string line)
    {
        if (line != _last)
        {
            output.WriteLine($"{Name}: {line}");
            _last = line;
        }
    }

    private int Fail(string why)
    {
        error.WriteLine($"meshctl: {Name}: {why}");
        return 1;
    }
}
