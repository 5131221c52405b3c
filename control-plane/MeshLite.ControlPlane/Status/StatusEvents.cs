using System.Security.Cryptography;
using System.Text;
using MeshLite.ControlPlane.Resources;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Events about objects of ours: that one is not accepted, that sidecars refuse it, that either is over. One for each generation and reason, whoever leads and
/// however often: its name says so, and the second is refused by the API server.
/// </summary>
internal sealed class StatusEvents(KubernetesClient client, string instance, TimeProvider time, ILogger logger)
{
    private const string Controller = "meshlite.dev/control-plane";

    /// <value>Bytes of a note. What the API server takes: 1,024, most characters being one.</value>
    private const int MaxNote = 1000;

    /// <summary>Tells of what was just written.</summary>
    /// <param name="item">The object, as it was before.</param>
    /// <param name="written">Its new status.</param>
    /// <param name="wasRejected">Whether sidecars refused an earlier version, or this one, and nobody has told that it is over.</param>
    /// <param name="cancellationToken">Ends with the leadership.</param>
    public async Task TellAsync(StoredObject item, ObjectStatus written, bool wasRejected, CancellationToken cancellationToken)
    {
        foreach (var told in Of(item, written, wasRejected))
        {
            try
            {
                await client.CreateAsync(ResourceTypes.Events, ToEvent(item, told.Condition, told.IsWarning), cancellationToken);
            }
            catch (KubernetesException error) when (error.Reason == KubernetesReason.AlreadyExists)
            {
                // Told already.
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                StatusLog.EventFailed(logger, item.Key, error.Message);
            }
        }
    }

    /// <summary>What there is to tell.</summary>
    internal static IEnumerable<(Condition Condition, bool IsWarning)> Of(StoredObject item, ObjectStatus written, bool wasRejected)
    {
        foreach (var type in (string[])[Condition.Accepted, Condition.ResolvedRefs])
        {
            var (before, now) = (item.Status[type], written[type]!);
            if (now.Status == Condition.False && (before?.Status, before?.Reason, before?.ObservedGeneration) != (now.Status, now.Reason, now.ObservedGeneration))
            {
                yield return (now, true);
            }
            else if (now.Status == Condition.True && before?.Status == Condition.False)
            {
                yield return (now, false);
            }
        }

        var programmed = written[Condition.Programmed]!;
        if (programmed.Reason == "Rejected")
        {
            yield return (programmed, true);
        }
        else if (wasRejected && programmed.Status == Condition.True)
        {
            yield return (programmed, false);
        }
    }

    private KubernetesEvent ToEvent(StoredObject item, Condition condition, bool isWarning)
    {
        var key = item.Key;
        var id = $"{item.Uid} {condition.ObservedGeneration} {condition.Type} {condition.Reason}";
        var name = key.Name.Length <= 200 ? key.Name : key.Name[..200].TrimEnd('.', '-');
        return new KubernetesEvent
        {
            Metadata = new ObjectMeta
            {
                // Of what has no namespace, events are in "default".
                Namespace = key.Namespace.Length > 0 ? key.Namespace : "default",
                Name = $"{name}.{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)).AsSpan(0, 8))}",
            },
            EventTime = time.GetUtcNow(),
            Type = isWarning ? "Warning" : "Normal",
            Reason = condition.Reason,
            Action = condition.Type,
            Note = Cut(condition.Message),
            Regarding = new ObjectReference
            {
                ApiVersion = OwnTypes.ApiVersion, Kind = key.Kind.ToString(), Namespace = key.Namespace.Length > 0 ? key.Namespace : null, Name = key.Name, Uid = item.Uid,
                ResourceVersion = item.ResourceVersion,
            },
            ReportingController = Controller,
            ReportingInstance = instance.Length <= 128 ? instance : instance[..128],
        };
    }

    private static string Cut(string note)
    {
        while (Encoding.UTF8.GetByteCount(note) > MaxNote)
        {
            note = note[..^Math.Max(1, (Encoding.UTF8.GetByteCount(note) - MaxNote) / 4)];
        }

        return note;
    }
}
