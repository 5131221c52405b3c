using System.Collections.Immutable;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;

namespace MeshLite.ControlPlane.Tests.Crds;

/// <summary>What <see cref="ApiServerTests"/> hears from an API server, as far as schemas alone say it: for machines that have none.</summary>
public sealed class SchemaValidatorTests
{
    [Fact]
    public void Problems_OfBadResources_AreAtTheFieldTheServerNames()
    {
        // Where the words are ours, CEL says it.
        var bad = BadResources.All.Where(b => b.Words.Length == 0).ToArray();

        bad.Length.ShouldBeGreaterThan(40);
        bad.Where(b => !Problems(YamlReader.Read(b.Yaml).Documents.ShouldHaveSingleItem()).Any(p => p.Path == b.Field)).ShouldBeEmpty();
    }

    [Fact]
    public void WithDefaults_EveryDocument_IsTakenAndMeansTheSame()
    {
        var cases = 0;
        foreach (var (name, yaml) in RepositoryDocuments.All())
        {
            var nodes = YamlReader.Read(yaml).Documents;
            var stored = nodes;
            for (var i = 0; i < nodes.Length; i++)
            {
                if (Crd.All.TryGetValue(FieldCoverageTests.KindOf(nodes[i]), out var crd) && DocumentReader.Read(nodes[i], name, i).Errors.Count == 0)
                {
                    Problems(nodes[i]).ShouldBeEmpty(name);
                    stored = stored.SetItem(i, SchemaValidator.WithDefaults(crd.Schema, nodes[i]));
                    cases++;
                }
            }

            var (before, after) = (MeshCase.Of(nodes), MeshCase.Of(stored));
            after.Errors.ShouldBe(before.Errors, name);
            FieldCoverageTests.Fingerprint(after).ShouldBe(FieldCoverageTests.Fingerprint(before), name);
        }

        cases.ShouldBeGreaterThan(50);
    }

    private static ImmutableArray<(string Path, string Problem)> Problems(Node document) =>
        [.. SchemaValidator.Problems(Crd.All[FieldCoverageTests.KindOf(document)].Spec, Place.OfSpec(document).First().Value, "spec")];
}
